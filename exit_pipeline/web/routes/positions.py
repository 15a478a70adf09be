"""``GET /positions``."""

from dataclasses import dataclass
from typing import Final

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.lines import PositionLine
from exit_pipeline.web.exchange import Answer, Ask
from exit_pipeline.web.operation import Operation, Parameter
from exit_pipeline.web.query import read_number, read_text

DEFAULT_LIMIT: Final = 500
MOST: Final = 5_000
STATUSES: Final = ("OPEN", "CLOSED")
ENVIRONMENTS: Final = ("paper", "live", "tape", "simulated")


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionPage:
    """Positions by id, and what to ask the next page with; None after the last one."""

    positions: list[PositionLine]
    next: str | None


def positions(ask: Ask) -> Answer:
    """Positions, open and closed, by id.

    Raises:
        InputError: A parameter is not understood.
    """
    environment = _choice(read_text(ask.query, "environment"), "environment", ENVIRONMENTS)
    status = _choice(read_text(ask.query, "status"), "status", STATUSES)
    after = read_text(ask.query, "after")
    limit = read_number(ask.query, "limit", DEFAULT_LIMIT, MOST)
    found = [
        line
        for line in sorted(
            ask.desk.database().positions.listing(environment), key=lambda one: one.id
        )
        if (status is None or line.status == status) and (after is None or line.id > after)
    ]
    page = found[:limit]
    return Answer(
        value=PositionPage(positions=page, next=page[-1].id if len(found) > limit else None)
    )


def _choice(value: str | None, name: str, choices: tuple[str, ...]) -> str | None:
    if value is None or value in choices:
        return value
    message = f"{name} is {value!r}; expected one of {', '.join(choices)}"
    raise InputError(message)


POSITIONS = Operation(
    method="GET",
    path="/positions",
    handle=positions,
    summary="Positions, open and closed, by id.",
    parameters=(
        Parameter(
            name="status",
            description="Only these. Absent: all.",
            schema={"type": "string", "enum": list(STATUSES)},
        ),
        Parameter(
            name="environment",
            description="Only of this environment. Absent: all.",
            schema={"type": "string", "enum": list(ENVIRONMENTS)},
        ),
        Parameter(name="after", description="Only with a greater id: `next` of the page before."),
        Parameter(
            name="limit",
            description="At most so many.",
            schema={"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT_LIMIT},
        ),
    ),
    answers={200: PositionPage},
)
