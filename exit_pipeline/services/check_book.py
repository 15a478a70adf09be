"""Whether the books are sound: five questions that have one right answer at every moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from exit_pipeline.core.model.book_state import BookCheck, BookScope, BookState, Fault
from exit_pipeline.ports import Calendar, Database
from exit_pipeline.services.heartbeat import LIMIT
from exit_pipeline.services.reconcile_orders import QUARANTINE

LOOKED_BACK: Final = timedelta(days=7)
"""How long a fault stays: it is one of the program or of somebody who wrote into its tables, and
its finder may be on holiday until then."""

_OF_NOW: Final = frozenset({"paper", "live"})
"""Environments in which ticks are due by the clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One question and its answer.

    Attributes:
        check: The question.
        faults: The newest rows that must not be.
        count: How many there are.
        covers: What was looked at, a sentence.
    """

    check: BookCheck
    faults: Sequence[Fault]
    count: int
    covers: str

    @property
    def passed(self) -> bool:
        """Whether there is no such row."""
        return self.count == 0


def scope_of(
    environment: str, calendar: Calendar, at: datetime, run_ids: Sequence[str] = ()
) -> BookScope:
    """What of the books is looked at.

    Args:
        environment: Where the positions live.
        calendar: Ticks are due within its session of the day.
        at: The pipeline's moment.
        run_ids: Runs whose orders are wanted.
    """
    session = calendar.session(at.astimezone(calendar.zone).date())
    are_due = session is not None and environment in _OF_NOW
    return BookScope(
        environment=environment,
        run_ids=run_ids,
        since=at - LOOKED_BACK,
        unknown_before=at - QUARANTINE,
        opens_at=session.opens_at if session is not None and are_due else None,
        until=min(at, session.closes_at) if session is not None else at,
        gap=LIMIT,
    )


def look_at_book(scope: BookScope, *, database: Database) -> BookState:
    """The books as they stand: P&L, the orders of the scope's runs, and what must not be.

    Raises:
        UnavailableError: The database did not answer.
    """
    return database.operation.book_state(scope)


def check_book(state: BookState, scope: BookScope) -> tuple[Checked, ...]:
    """The answers to all five questions, in order.

    Example: in a state without faults each has passed; one order of 10:00 that is still UNKNOWN at
    10:05 fails ``no_order_unknown_for_long``, whose limit is two minutes, and no other.
    """
    covers = _covers(scope)
    return tuple(
        Checked(
            check=check,
            faults=state.faults.get(check, ()),
            count=state.counts.get(check, 0),
            covers=covers[check],
        )
        for check in BookCheck
    )


def _covers(scope: BookScope) -> Mapping[BookCheck, str]:
    days = f"since {scope.since:%Y-%m-%d %H:%M} UTC"
    where = f"of the environment {scope.environment}"
    ticks = "no tick is due: the exchange is closed today, or these are no ticks of now"
    if scope.opens_at is not None:
        ticks = (
            f"the session of {scope.opens_at:%Y-%m-%d} until {scope.until:%H:%M} UTC, accounts "
            f"{where} that have open positions; ticks may be {LIMIT // timedelta(minutes=1)} "
            f"minutes apart"
        )
    return {
        BookCheck.EVERY_ORDER_HAS_A_DECISION: f"exit orders {where} {days}",
        BookCheck.EVERY_EXIT_HAS_AN_ORDER: f"exits {where} that succeeded ticks decided {days}",
        BookCheck.NEVER_EXITED_ABOVE_HELD: f"positions {where} that are open or had orders {days}",
        BookCheck.NO_TICK_GAP: ticks,
        BookCheck.NO_ORDER_UNKNOWN_FOR_LONG: f"exit orders {where}, for longer than "
        f"{QUARANTINE.total_seconds():.0f} seconds",
    }
