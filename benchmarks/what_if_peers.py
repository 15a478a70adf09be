"""A stop and a target over a year of positions, beside libraries that step through backtests.

They know no options, no quotes and no exit but an order of theirs, so that they are given what they
can have: mids instead of bids and asks, LONG positions only, a stop at -30 % and a target at +50 %.
None is a dependency; what is installed is compared, and must leave at the same rows.
"""

from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import dataclass, replace
from io import StringIO
from types import ModuleType
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.context import installed
from benchmarks.decide import ALL_RULES, in_turn
from benchmarks.random_year import random_year
from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.replay.follow_policy import follow_policies
from exit_pipeline.core.replay.paths import Paths
from exit_pipeline.policies import parse_policy

BOTH = (
    "force_close=off, expiry=off, gex_flip=off, time_exit=off,profit_target.close_share_percent=100"
)
NEVER = -1


@dataclass(frozen=True)
class Year:
    """Rows of LONG positions with a bid in each, and their mids in units of 1/10,000 dollar."""

    paths: Paths
    mids: NDArray[np.float64]
    slots: int

    @classmethod
    def made_up(cls, ticks: int, slots: int) -> Self:
        paths = random_year(ticks, slots)
        bid = paths.book.ask - 200
        side, size = np.ones(len(bid), np.int8), np.full(len(bid), 10)
        book = replace(paths.book, bid=bid, side=side, quantity=size, open_quantity=size)
        return cls(replace(paths, book=book), bid + 100.0, slots)

    def ours(self, policy: Policy) -> NDArray[np.intp]:
        """The row at which each position leaves."""
        (exits,) = follow_policies(self.paths, [policy])
        rows = np.full(len(self.paths), NEVER)
        rows[self.paths.path_of(exits.row)] = exits.row
        return rows

    def vectorbt(self, library: ModuleType) -> NDArray[np.intp]:
        """All slots as columns, in which one position follows another."""
        starts, ends = self.paths.starts, self.paths.ends
        entries, ended = (np.zeros(len(self.mids), np.bool_) for _ in range(2))
        entries[starts], ended[ends - 1] = True, True
        price = self.mids.copy()
        price[starts] = self.paths.book.entry_price[starts]
        close, entries, ended, price = (
            column.reshape(self.slots, -1).T for column in (self.mids, entries, ended, price)
        )
        found = library.Portfolio.from_signals(
            close, entries, ended, price=price, size=1, init_cash=1e9, sl_stop=0.3, tp_stop=0.5,
            stop_entry_price="fillprice", stop_exit_price="close",
        ).orders.records  # fmt: skip
        sold = found[found["side"] == 1]
        row = sold["col"].to_numpy() * len(close) + sold["idx"].to_numpy()
        rows = np.full(len(starts), NEVER)
        rows[self.paths.path_of(row)] = row
        return rows

    def part(self, path: int) -> tuple[int, int, pd.DataFrame]:
        """First row and entry price of a position, and its mids as the bars of the others."""
        start, end = int(self.paths.starts[path]), int(self.paths.ends[path])
        index = pd.to_datetime(self.paths.book.decided_at[start:end], unit="us")
        bars = dict.fromkeys(("Open", "High", "Low", "Close"), self.mids[start:end])
        return start, int(self.paths.book.entry_price[start]), pd.DataFrame(bars, index=index)


def is_due(price: float, entry: int) -> bool:
    """At -30 % or +50 %, exactly."""
    return price * 10 <= entry * 7 or price * 10 >= entry * 15


def stepped_by_backtesting(library: ModuleType, year: Year, path: int) -> int:
    """One position by backtesting.py; the row at which it leaves."""
    start, entry, bars = year.part(path)
    left = [NEVER]

    class Held(library.Strategy):  # type: ignore[misc, name-defined]
        def init(self) -> None:
            self.bought = False

        def next(self) -> None:
            if not self.bought:
                self.bought = True
                self.buy(size=1)
            elif left[0] == NEVER and is_due(self.data.Close[-1], entry):
                left[0] = start + len(self.data) - 1
                self.position.close()

    with redirect_stderr(StringIO()):  # it draws a progress bar
        library.Backtest(bars, Held, cash=1e9, trade_on_close=True, finalize_trades=True).run()
    return left[0]


def stepped_by_backtrader(library: ModuleType, year: Year, path: int) -> int:
    """One position by backtrader; the row at which it leaves."""
    start, entry, bars = year.part(path)
    left = [NEVER]

    class Held(library.Strategy):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self.bought = False

        def next(self) -> None:
            if not self.bought:
                self.bought = True
                self.buy(size=1)
            elif left[0] == NEVER and is_due(self.data.close[0], entry):
                left[0] = start + len(self) - 1
                self.close()

    cerebro = library.Cerebro(stdstats=False)
    cerebro.adddata(library.feeds.PandasData(dataname=bars))
    cerebro.broker.setcash(1e9)
    cerebro.addstrategy(Held)
    cerebro.run()
    return left[0]


def compare_stepping(
    year: Year, name: str, step: Callable[[ModuleType, Year, int], int], sample: int
) -> None:
    """Print how much longer a library takes that steps through one position after another."""
    library = installed(name)
    if library is None:
        return
    chosen = np.linspace(0, len(year.paths) - 1, sample).astype(int)
    rows = (year.paths.ends - year.paths.starts)[chosen].sum()
    wanted, got = year.ours(parse_policy(BOTH))[chosen], np.full(sample, NEVER)

    def work() -> None:
        got[:] = [step(library, year, int(path)) for path in chosen]

    stepping, ours, all_rules = in_turn(
        3, work, *(_following(year, parse_policy(text)) for text in (BOTH, ALL_RULES))
    )
    np.testing.assert_array_equal(got, wanted)
    stepping *= len(year.mids) / rows
    print(f"    {name}, {rows:,} rows in steps: {stepping / ours:,.0f} times as long", end="")
    print(f", and {stepping / all_rules:,.0f} times as long as all our rules  (aim: 50)")


def _following(year: Year, policy: Policy) -> Callable[[], Any]:
    return lambda: follow_policies(year.paths, [policy])


def main(ticks: int = 19_656, slots: int = 50, sample: int = 40) -> None:
    """Print the ratios."""
    year = Year.made_up(ticks, slots)
    print(f"  a stop and a target over {len(year.mids):,} rows of {len(year.paths):,} positions")
    library = installed("vectorbt")
    if library:
        wanted, got = year.ours(parse_policy(BOTH)), year.vectorbt(library)
        left = wanted != NEVER
        same = (wanted == got)[left].mean()
        theirs, ours = in_turn(
            5, lambda: year.vectorbt(library), _following(year, parse_policy(BOTH))
        )
        print(f"    vectorbt {theirs / ours:.1f} times as long  (aim: 3); {same:.2%} leave alike")
    compare_stepping(year, "backtesting", stepped_by_backtesting, sample)
    compare_stepping(year, "backtrader", stepped_by_backtrader, sample)


if __name__ == "__main__":
    main()
