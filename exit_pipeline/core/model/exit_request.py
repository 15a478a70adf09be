"""What a person asked for: a position closed, whatever its rules say."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitRequest:
    """One row of ``exit_requests``.

    Attributes:
        id: Key of the row.
        position_id: The position to close.
        reason: Why, in the person's words.
        requested_by: Who.
        requested_at: When; no earlier moment obeys it.
        expires_at: From then on nobody obeys it any more.
    """

    id: str
    position_id: str
    reason: str
    requested_by: str
    requested_at: datetime
    expires_at: datetime
