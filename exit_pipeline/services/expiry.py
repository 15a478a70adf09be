"""When a contract stops trading."""

from datetime import datetime, timedelta

from exit_pipeline.core.model.contract import OptionContract
from exit_pipeline.ports import Calendar


def last_trading_close(contract: OptionContract, calendar: Calendar) -> datetime:
    """The close of the contract's last trading session.

    That is the session of the expiration date, or the one before where the exchange is closed that
    day; options that settle in the morning trade last in the session before.

    Example: SPX options of Friday 2026-03-20 trade last on Thursday, SPXW ones on Friday.
    """
    day = contract.expiration - timedelta(days=1 if contract.settles_in_the_morning else 0)
    return calendar.session_on_or_before(day).closes_at
