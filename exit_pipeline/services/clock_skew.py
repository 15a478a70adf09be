"""Whether this machine's clock is near enough to the broker's to send orders by it."""

from datetime import timedelta

from exit_pipeline.core.model.broker_time import SKEW_HALTS, SKEW_NOTED, say_skew
from exit_pipeline.core.model.record import Alert
from exit_pipeline.ports import Broker, Database, TellsSkew
from exit_pipeline.services.tick import OpenTick


class SkewGate:
    """Looks at the skew that the broker's answers of this tick have shown; asks for nothing.

    A skew beyond ``SKEW_NOTED`` is an alert; beyond ``SKEW_HALTS`` nothing is sent, while all is
    decided and recorded. An order comes after the broker has said whose account it is, so that the
    skew is known by then; a launch at another moment than now has no skew to speak of.

    Args:
        tick: The open tick.
        broker: Where its orders go; one that tells no skew is never held back.
        database: Where alerts are kept.
    """

    def __init__(self, tick: OpenTick, broker: Broker, database: Database) -> None:
        self._tick = tick
        self._broker = broker
        self._database = database
        self._told: set[str] = set()

    def check(self) -> str:
        """Why nothing may be sent now, or nothing; raises the alert when it is first seen."""
        skew = self._broker.skew() if isinstance(self._broker, TellsSkew) else None
        if skew is None or self._tick.request.as_of or abs(skew) <= SKEW_NOTED:
            return ""
        if abs(skew) <= SKEW_HALTS:
            self._alert("WARNING", "", f"{say_skew(skew)}; set it by a time server")
            return ""
        message = f"not sent: {say_skew(skew)}, more than {_seconds(SKEW_HALTS)} s"
        self._alert("CRITICAL", ": nothing is sent", message)
        return message

    def _alert(self, severity: str, what: str, message: str) -> None:
        """One alert of a severity for each account; a warning that stands hides no critical one."""
        if severity in self._told:
            return
        self._told.add(severity)
        self._database.runs.raise_alerts([
            Alert(
                severity=severity,
                cause="CLOCK_SKEW",
                subject=f"{account}{what}",
                message=message,
                run_id=run_id,
            )
            for account, run_id in self._tick.run_ids.items()
        ])  # fmt: skip


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
