"""The switch that stops trading: who moved it, when and why."""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum


class TradingState(StrEnum):
    """What may be sent to a broker, from everything to nothing.

    ACTIVE sends; HALT_NEW sends no new closing order and still cancels; CANCEL_ALL asks for every
    working order to be cancelled as well; FREEZE writes nothing to a broker at all. Reading,
    deciding and recording go on in every state.
    """

    ACTIVE = "ACTIVE"
    HALT_NEW = "HALT_NEW"
    CANCEL_ALL = "CANCEL_ALL"
    FREEZE = "FREEZE"

    def is_laxer_than(self, other: "TradingState") -> bool:
        """Whether it lets through what the other one does not."""
        order = list(TradingState)
        return order.index(self) < order.index(other)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingControl:
    """The switch as it stands.

    Attributes:
        state: What may be sent.
        reason: Why it was moved there; empty if it never was.
        changed_by: Who moved it.
        changed_at: When.
    """

    state: TradingState
    reason: str
    changed_by: str
    changed_at: datetime

    def say(self, zone: tzinfo) -> str:
        """The switch in one line; who moved it, when and why where trading is not ACTIVE.

        Example: ``trading is HALT_NEW since 2026-03-17 10:05 EDT, moved by ann: odd fills``.
        """
        if self.state is TradingState.ACTIVE:
            return "trading is ACTIVE"
        at = self.changed_at.astimezone(zone)
        why = self.reason or "no reason given"
        since = f"{at:%Y-%m-%d %H:%M %Z}"
        return f"trading is {self.state} since {since}, moved by {self.changed_by}: {why}"
