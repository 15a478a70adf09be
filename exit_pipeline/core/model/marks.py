"""What a quote is worth to a position: its flags, its grade and the prices that rules judge."""

from dataclasses import dataclass
from typing import Final

from exit_pipeline.core.model.book import (
    BoolColumn,
    FlagColumn,
    FloatColumn,
    IntColumn,
    SmallColumn,
)

CANDIDATE_MARGIN: Final = 1e-6
"""Percent by which a float P&L may miss the exact one, with room to spare: a double holds 15 digits
and the division and the product each round once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Graded quotes, row by row of a book; prices are units of 1/10,000 dollar per share.

    Attributes:
        flags: ``QuoteFlag`` bits.
        grade: ``QuoteGrade`` by row.
        mark: The price that the position is judged at: the mid of a GOOD quote, the side that
            closing would hit of a DEGRADED one, UNKNOWN of a BAD one.
        gain: Profit per share at the mark, negative for a loss; meaningless without a mark.
        pnl_percent: The gain in percent of the entry price; NaN without a mark.
        priced: The mark may decide: the grade is not BAD and the holding is not worthless.
        good: The grade is GOOD.
        alive: The contract still trades.
        fresh: The newest price of the underlying is no older than its source's limit.
    """

    flags: FlagColumn
    grade: SmallColumn
    mark: IntColumn
    gain: IntColumn
    pnl_percent: FloatColumn
    priced: BoolColumn
    good: BoolColumn
    alive: BoolColumn
    fresh: BoolColumn
