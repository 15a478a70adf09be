"""Tradier's clock in our words."""

from datetime import UTC, date, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from exit_pipeline.adapters.clients.tradier_json import Json, unix_time
from exit_pipeline.core.model.broker_time import BrokerTime
from exit_pipeline.core.model.errors import UnavailableError

_NEW_YORK: Final = ZoneInfo("America/New_York")
_STATES: Final = frozenset({"premarket", "open", "postmarket", "closed"})


def to_broker_time(body: Json) -> BrokerTime:
    """The answer of ``/v1/markets/clock`` (docs.tradier.com, "Clock").

    It tells the next change of four states by New York time of the same day. Only the two that are
    an opening or a closing of the regular session are taken over. Example: ``state`` open,
    ``next_change`` 16:00 and ``next_state`` postmarket close at 16:00; in ``premarket`` with
    ``next_state`` open it opens at ``next_change``.

    Raises:
        UnavailableError: It can't be read.
    """
    clock = body.get("clock")
    clock = clock if isinstance(clock, dict) else {}
    at, state = unix_time(clock.get("timestamp")), clock.get("state")
    if at is None or state not in _STATES:
        message = "Tradier's clock tells no time or no state that is known"
        raise UnavailableError(message)
    changes_at = _moment(clock.get("date"), clock.get("next_change"))
    is_open, opens_next = state == "open", clock.get("next_state") == "open"
    return BrokerTime(
        at=at,
        is_open=is_open,
        next_open=changes_at if opens_next and not is_open else None,
        next_close=changes_at if is_open and not opens_next else None,
    )


def _moment(day: Any, at: Any) -> datetime | None:
    try:
        moment = datetime.combine(date.fromisoformat(day), time.fromisoformat(at), _NEW_YORK)
    except (TypeError, ValueError):
        return None
    return moment.astimezone(UTC)
