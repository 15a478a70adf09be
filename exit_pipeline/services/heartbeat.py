"""Whether ticks still come: what something outside Dagster can watch."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from exit_pipeline.core.model.lines import AccountOverview
from exit_pipeline.core.model.position import UNASSIGNED
from exit_pipeline.core.model.vitals import AccountPulse
from exit_pipeline.ports import Calendar
from exit_pipeline.services.open_tick import SLOT

LIMIT = 2 * SLOT
"""How old the last good tick may be: one may fail or be skipped, two in a row need a person."""

_OF_NOW = frozenset({"paper", "live"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """An account whose positions nobody has looked at for too long.

    Attributes:
        environment: ``paper`` or ``live``.
        account: The broker's account.
        open_positions: How many.
        last_tick_at: Its newest good tick; None without any.
        since: From when on it has waited: that tick, the session's opening, or the moment when its
            positions were taken in, whichever is the latest.
        waited: How long.
    """

    environment: str
    account: str
    open_positions: int
    last_tick_at: datetime | None
    since: datetime
    waited: timedelta

    @property
    def sentence(self) -> str:
        """Which account, and by how much it is late."""
        last = f"{self.last_tick_at:%Y-%m-%d %H:%M} UTC" if self.last_tick_at else "never"
        minutes = self.waited // timedelta(minutes=1)
        over = (self.waited - LIMIT) // timedelta(minutes=1)
        return (
            f"{self.environment}/{self.account} has {self.open_positions} open positions and no "
            f"good tick for {minutes} minutes, {over} more than it may (the last one: {last})"
        )


def overdue(
    accounts: Sequence[AccountOverview | AccountPulse], *, calendar: Calendar, at: datetime
) -> list[Overdue]:
    """Accounts with open positions whose last good tick is older than two slots.

    A good tick has SUCCEEDED and was no dry run. Outside the session none is overdue, and waiting
    begins anew when it opens.

    Example: with a last tick of 10:00, 10:10 is in time and 10:11 is a minute late.
    """
    session = calendar.session(at.astimezone(calendar.zone).date())
    if session is None or calendar.why_closed(at) is not None:
        return []
    late = []
    for one in accounts:
        if one.environment not in _OF_NOW or not one.open_positions:
            continue
        last = _last_tick(one, accounts)
        known = [at for at in (last or one.open_since, session.opens_at) if at is not None]
        waited = at - max(known)
        if waited > LIMIT:
            late.append(
                Overdue(
                    environment=one.environment,
                    account=one.account,
                    open_positions=one.open_positions,
                    last_tick_at=last,
                    since=max(known),
                    waited=waited,
                )
            )
    return late


def _last_tick(
    one: AccountOverview | AccountPulse, accounts: Sequence[AccountOverview | AccountPulse]
) -> datetime | None:
    """The newest good tick; rows that no broker has yet are looked at by any environment of now."""
    if one.account != UNASSIGNED:
        return one.last_tick_at
    return max(
        (
            other.last_tick_at
            for other in accounts
            if other.account == UNASSIGNED
            and other.environment in _OF_NOW
            and other.last_tick_at is not None
        ),
        default=None,
    )
