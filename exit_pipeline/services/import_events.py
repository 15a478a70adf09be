"""Read events of underlyings from CSV files."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.event import EventKind, MarketEvent
from exit_pipeline.ports import Calendar
from exit_pipeline.services.csv_rows import Row, read_rows
from exit_pipeline.services.tick import parse_instant

_AT: Final = "at"
_AMOUNT: Final = "amount"
EVENT_COLUMNS: Final = ("underlying", "kind", _AT, _AMOUNT)


def read_events(path: Path, calendar: Calendar) -> list[MarketEvent]:
    """Read events from a CSV file with the columns of ``EVENT_COLUMNS``.

    A time may be a date alone: the open of that day's session, from which a share trades without
    its dividend, and before which a report of that morning is out.

    Args:
        path: The file.
        calendar: Tells when a date's session opens.

    Raises:
        InputError: The file can't be read, or a row has a value that can't be: the sentence names
            line, column, value and what was expected.

    Example: ``ACME,DIVIDEND,2026-05-08,0.25`` is a dividend of 0.25 dollars from 09:30 on.
    """
    rows = read_rows(path, EVENT_COLUMNS)
    events = [_event(row, calendar) for row in rows]
    seen: set[tuple[str, EventKind, datetime]] = set()
    for row, event in zip(rows, events, strict=True):
        key = (event.underlying, event.kind, event.at)
        if key in seen:
            raise row.error(_AT, "each event of an underlying once")
        seen.add(key)
    return events


def _event(row: Row, calendar: Calendar) -> MarketEvent:
    kind = EventKind(row.choice("kind", [one.value for one in EventKind]))
    if kind is EventKind.EARNINGS and row.values["amount"]:
        raise row.error(_AMOUNT, "no amount of EARNINGS")
    amount = (
        row.number("amount", _is_amount, "of dollars per share above 0 with four decimals")
        if kind is EventKind.DIVIDEND
        else None
    )
    return MarketEvent(
        underlying=row.text("underlying").upper(),
        kind=kind,
        at=row.read("at", lambda text: _moment(text, calendar)),
        amount=amount,
    )


def _moment(text: str, calendar: Calendar) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return parse_instant("at", text)
    session = calendar.session(day)
    if session is None:
        message = f"at is {text!r}, on which {calendar.name} is closed; expected a trading day"
        raise InputError(message)
    return session.opens_at


def _is_amount(value: Decimal) -> bool:
    return 0 < value < 1_000_000 and value == round(value, 4)
