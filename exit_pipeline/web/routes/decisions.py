"""``GET /decisions``."""

from dataclasses import dataclass
from typing import Final

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.lines import DecisionLine, DecisionPlace
from exit_pipeline.services.tick import parse_instant
from exit_pipeline.web.exchange import Answer, Ask, HttpError
from exit_pipeline.web.operation import ErrorAnswer, Operation, Parameter
from exit_pipeline.web.query import read_instant, read_number, read_text

DEFAULT_LIMIT: Final = 100
MOST: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionPage:
    """Decisions, the newest first, and what to ask the next page with; None after the last one."""

    decisions: list[DecisionLine]
    next: str | None


def decisions(ask: Ask) -> Answer:
    """Recorded decisions, each HOLD too, the newest first.

    Raises:
        InputError: A parameter is not understood.
        HttpError: The position is not known.
    """
    position_id = read_text(ask.query, "position_id")
    since = read_instant(ask.query, "since")
    limit = read_number(ask.query, "limit", DEFAULT_LIMIT, MOST)
    before = _read_place(read_text(ask.query, "before"))
    database = ask.desk.database()
    found = database.decisions.listing(limit + 1, position_id, since, before)
    if position_id and not found:
        known = {line.id for line in database.positions.listing()}
        if position_id not in known:
            sentence = f"position_id is {position_id!r}, which is not known; expected a position"
            raise HttpError(404, sentence)
    page = found[:limit]
    return Answer(
        value=DecisionPage(
            decisions=page, next=_say_place(page[-1]) if len(found) > limit else None
        )
    )


def _say_place(line: DecisionLine) -> str:
    """The place of a decision in the list, in which no sign needs to be escaped in a query."""
    return f"{line.decided_at:%Y-%m-%dT%H:%M:%S.%fZ}_{line.id}"


def _read_place(text: str | None) -> DecisionPlace | None:
    if text is None:
        return None
    at, _, key = text.partition("_")
    try:
        return DecisionPlace(parse_instant("before", at), key)
    except InputError:
        message = f"before is {text!r}; expected `next` of the page before"
        raise InputError(message) from None


DECISIONS = Operation(
    method="GET",
    path="/decisions",
    handle=decisions,
    summary="Recorded decisions, each HOLD too, the newest first.",
    parameters=(
        Parameter(name="position_id", description="Only on this position. Absent: all."),
        Parameter(
            name="since",
            description="None earlier than this, ISO 8601 with a time zone.",
            schema={"type": "string", "format": "date-time"},
        ),
        Parameter(name="before", description="`next` of the page before."),
        Parameter(
            name="limit",
            description="At most so many.",
            schema={"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT_LIMIT},
        ),
    ),
    answers={200: DecisionPage, 404: ErrorAnswer},
)
