"""When a contract stops trading."""

from datetime import datetime

from exit_pipeline.core.model.contract import OptionContract
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.ports import Calendar


def last_trading_close(contract: OptionContract, calendar: Calendar) -> datetime | None:
    """The close of the contract's last trading session; None beyond the calendar's dates.

    One odd expiration in a users' table must not keep every other position from being decided.
    """
    try:
        return calendar.session_on_or_before(contract.latest_trading_day).closes_at
    except InputError:
        return None
