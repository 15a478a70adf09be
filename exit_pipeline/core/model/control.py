"""The switch that stops trading: who moved it, when and why."""

from dataclasses import dataclass
from datetime import datetime
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
