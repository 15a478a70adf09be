"""The shipped sample day: a book and gamma signals in the simulated market of one past session.

Every entry price is the mid that the simulated market quoted at the entry time. At ``SAMPLE_AT``
several rules fire and several positions hold, so that one tick shows what the pipeline does.
"""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

SAMPLE_DAY: Final = date(2026, 3, 18)
"""A Wednesday with a full session."""

SAMPLE_AT: Final = datetime(2026, 3, 18, 19, 30, tzinfo=UTC)
"""15:30 New York time: 30 minutes before the close, and within the last 90 minutes of contracts
that expire that day."""

SAMPLE_SEED: Final = 199
"""The simulated market that the entry prices were taken from."""

ACCOUNT: Final = "sample"
"""Account of the sample book."""

BOOK: Final = Path(__file__).with_name("book.csv")
"""Columns id, account, symbol, side, quantity, entry_price, entry_time, timeframe, policy."""

GEX_SIGNALS: Final = Path(__file__).with_name("gex_signals.csv")
"""Columns id, symbol, timeframe, strength, direction, timestamp."""
