"""Ticks, alerts, and the switch that stops trading."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from exit_pipeline.core.model.control import TradingControl, TradingState
from exit_pipeline.core.model.lines import AccountOverview, AlertLine
from exit_pipeline.core.model.record import Alert, BrokerCall, RunHandle, RunSummary, TickIdentity


class RunStore(Protocol):
    """Ticks: who works which account when, and how it ended."""

    def open(
        self,
        tick: TickIdentity,
        accounts: Sequence[str],
        holder: str,
        code_version: str,
        lease: timedelta,
    ) -> list[RunHandle]:
        """Open one run per account, atomically with the account's lease.

        A dry run takes no lease. A tick that was worked before comes back SUCCEEDED with its run;
        one that was begun and not finished is continued once its lease has passed. An account that
        another run holds, and a tick older than the newest finished one of its account, come back
        SKIPPED with the reason; so a live ledger's time never runs backwards.
        """
        ...

    def close(self, holder: str, summaries: Sequence[RunSummary]) -> None:
        """Write how runs ended, and give their accounts back."""
        ...

    def fail(self, holder: str, reason: str) -> None:
        """End as FAILED what the holder has begun and not ended, and give its accounts back."""
        ...

    def raise_alerts(self, alerts: Sequence[Alert]) -> None:
        """Record alerts; of one cause and subject there is one until it is acknowledged.

        Raised again by another run it is counted; raised as graver it becomes so, with the newer
        sentence.
        """
        ...

    def alerts(self, *, only_open: bool) -> list[AlertLine]:
        """Alerts, the newest first.

        Args:
            only_open: Only those that nobody has acknowledged.
        """
        ...

    def acknowledge(self, alert_ids: Sequence[str], acknowledged_by: str, at: datetime) -> int:
        """Note who has seen alerts; returns how many nobody had acknowledged before."""
        ...

    def overview(self) -> list[AccountOverview]:
        """How every account stands, by environment and account."""
        ...

    def log_calls(self, calls: Sequence[BrokerCall]) -> None:
        """Record broker calls in ``adapter_logs``."""
        ...


class ControlStore(Protocol):
    """The switch that stops trading."""

    def read(self) -> TradingControl:
        """The switch as it stands."""
        ...

    def move(self, state: TradingState, reason: str, changed_by: str) -> TradingControl:
        """Move the switch; every move is kept.

        Raises:
            InputError: It would become ACTIVE without a reason, or laxer without being resumed.
        """
        ...

    def state(self, environment: str) -> TradingState:
        """What may be sent in an environment; where nobody's money moves it is always ACTIVE."""
        ...

    def halt(self, reason: str) -> None:
        """Stop new orders because of an anomaly; a stricter state stays."""
        ...
