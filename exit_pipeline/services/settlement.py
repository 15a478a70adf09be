"""When a contract is settled."""

from exit_pipeline.core.model.contract import OptionContract
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.instant import to_micros
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.ports import Calendar
from exit_pipeline.services.last_close import last_trading_close


def settles_at(contract: OptionContract, calendar: Calendar) -> int:
    """The instant at which a contract's value is settled, microseconds since the epoch.

    That is the close of its last trading session, or the open of its expiration's session where it
    settles in the morning; ``price.UNKNOWN`` beyond the calendar's dates.

    Example: SPXW of 2026-03-20 is settled at 16:00 in New York, SPX of that date at 09:30.
    """
    if not contract.settles_in_the_morning:
        return to_micros(last_trading_close(contract, calendar))
    try:
        return to_micros(calendar.session_on_or_before(contract.expiration).opens_at)
    except InputError:
        return UNKNOWN
