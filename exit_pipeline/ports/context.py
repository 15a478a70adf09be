"""What is kept of the market's context: daily levels, events, and what runs knew."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol

from exit_pipeline.core.model.account_pnl import AccountHistory
from exit_pipeline.core.model.daily import DailyBars
from exit_pipeline.core.model.event import MarketEvent
from exit_pipeline.core.model.quote import UnderlyingPrice


class ContextStore(Protocol):
    """Daily levels, events, and what the context of the tick before was."""

    def memory(self, environment: str, mode: str, before: datetime) -> Mapping[str, Any]:
        """The details of the newest context of scheduled runs before a tick; empty without any."""
        ...

    def keep_levels(
        self, mode: str, day: date, source: str, prices: Sequence[UnderlyingPrice]
    ) -> None:
        """Widen the day's high and low by prices, and keep the newest as its close."""
        ...

    def levels(
        self, mode: str, symbols: Sequence[str], since: date, before: date
    ) -> dict[str, DailyBars]:
        """Daily bars of `since` and later, but before `before`, by symbol; none where unknown."""
        ...

    def next_events(self, underlyings: Sequence[str], at: datetime) -> list[MarketEvent]:
        """The next event of each kind of underlyings, none earlier than `at`."""
        ...

    def events(self, since: datetime | None = None) -> list[MarketEvent]:
        """All events, or those from a moment on, by time."""
        ...

    def import_events(self, events: Sequence[MarketEvent]) -> int:
        """Add events, and replace the amount of known ones; returns how many were new."""
        ...

    def account_history(
        self,
        environment: str,
        mode: str,
        accounts: Sequence[str],
        opens_at: datetime,
        before: datetime,
    ) -> dict[str, AccountHistory]:
        """What accounts have realised, and what their earlier runs kept, by account.

        Args:
            environment: Where they live.
            mode: Of the runs.
            accounts: By the broker's ids.
            opens_at: When the session opened, that the tick is in.
            before: The tick's scheduled time.
        """
        ...
