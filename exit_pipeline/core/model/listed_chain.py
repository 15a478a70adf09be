"""A chain as sources give it, by symbol, and its contracts as the columns of an ``OptionChain``."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from exit_pipeline.core.model.book import BoolColumn, FloatColumn, IntColumn
from exit_pipeline.core.model.chain import OptionChain
from exit_pipeline.core.model.contract import OptionContract, parse_contract
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.instant import to_micros
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.model.quote import Quote

_TAIL: Final = 15
"""Characters of a compact OCC symbol after its root: yymmdd, C or P, eight digits of the strike."""

_ROOT_MAX: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedChain:
    """Contracts on one underlying, one row each, by their symbols; unknown floats are NaN.

    Attributes:
        underlying: Ticker.
        at: The instant that the figures are of, microseconds since the epoch.
        spot: Price of the underlying, dollars; NaN where not known.
        source: Who gave it.
        symbols: Compact OCC symbols; what is none is left out of the columns of contracts.
        bid: Dollars per share.
        ask: Dollars per share.
        open_interest: Contracts open at the end of the day before.
        feed_iv: The source's implied volatility of a year.
        feed_gamma: The source's gamma.
        quoted_at: Time of each quote, ``price.UNKNOWN`` where the source tells none.
    """

    underlying: str
    at: int
    spot: float
    source: str
    symbols: Sequence[str]
    bid: FloatColumn
    ask: FloatColumn
    open_interest: FloatColumn
    feed_iv: FloatColumn
    feed_gamma: FloatColumn
    quoted_at: IntColumn

    @classmethod
    def of_quotes(
        cls, quotes: Iterable[Quote], *, underlying: str, at: int, spot: float, source: str
    ) -> Self:
        """A chain of quotes, each with its own open interest and greeks."""
        rows = list(quotes)
        greeks = [quote.greeks for quote in rows]
        return cls(
            underlying=underlying,
            at=at,
            spot=spot,
            source=source,
            symbols=[quote.symbol for quote in rows],
            bid=_floats(quote.bid for quote in rows),
            ask=_floats(quote.ask for quote in rows),
            open_interest=_floats(quote.open_interest for quote in rows),
            feed_iv=_floats(one.iv if one else None for one in greeks),
            feed_gamma=_floats(one.gamma if one else None for one in greeks),
            quoted_at=np.array([to_micros(quote.quoted_at) for quote in rows], np.int64),
        )

    def __len__(self) -> int:
        return len(self.symbols)

    def to_chain(
        self, settles_at: Callable[[OptionContract], int], quote_age_limit: int
    ) -> OptionChain:
        """The chain of its contracts, each with the instant at which it is settled.

        Contracts of other underlyings, adjusted ones and symbols that are none are left out: what
        an adjusted contract delivers is not known.

        Args:
            settles_at: Tells when a contract is settled, ``price.UNKNOWN`` where that is not known;
                asked once for each root and date.
            quote_age_limit: A quote older than this is not known, microseconds.
        """
        rows, digits, is_call = self._contracts()
        settled, places = self._settlements(rows, settles_at)
        tenths = 10 ** np.arange(7, -1, -1)
        fresh = self.at - self.quoted_at[rows] <= quote_age_limit
        fresh |= self.quoted_at[rows] == UNKNOWN
        chain = OptionChain(
            underlying=self.underlying,
            at=self.at,
            spot=self.spot,
            source=self.source,
            strike=(digits[:, 7:] @ tenths) / 1000.0,
            right=np.where(is_call, 1, -1).astype(np.int8),
            expires_at=settled[places],
            bid=np.where(fresh, self.bid[rows], np.nan),
            ask=np.where(fresh, self.ask[rows], np.nan),
            open_interest=self.open_interest[rows],
            feed_iv=self.feed_iv[rows],
            feed_gamma=self.feed_gamma[rows],
        )
        # A root of another underlying, or an adjusted one, has no settlement of its own.
        return chain.take(places >= 0)

    def _contracts(self) -> tuple[NDArray[np.intp], NDArray[np.int64], BoolColumn]:
        """Rows whose symbols have the form of one, their digits after the root, and the right.

        A chain of the S&P 500 has 30,000 symbols, and reading each by itself takes half a second.
        """
        long = [
            row
            for row, symbol in enumerate(self.symbols)
            if _TAIL < len(symbol) <= _ROOT_MAX + _TAIL and symbol.isascii()
        ]
        tails = "".join(self.symbols[row][-_TAIL:] for row in long).encode("ascii")
        letters = np.frombuffer(tails, np.uint8).reshape(len(long), _TAIL)
        digits = letters.astype(np.int64) - ord("0")
        side = letters[:, 6]
        digits[:, 6] = 0
        formed = ((digits >= 0) & (digits <= 9)).all(axis=1)
        formed &= (side == ord("C")) | (side == ord("P"))
        return np.array(long, np.intp)[formed], digits[formed], side[formed] == ord("C")

    def _settlements(
        self, rows: NDArray[np.intp], settles_at: Callable[[OptionContract], int]
    ) -> tuple[IntColumn, NDArray[np.intp]]:
        """Distinct instants, and the place of each row's among them; -1 of what is not ours."""
        found: dict[str, int] = {}
        instants: list[int] = [UNKNOWN]
        places = np.empty(len(rows), np.intp)
        for place, row in enumerate(rows.tolist()):
            symbol = self.symbols[row]
            series = symbol[: -_TAIL + 6]
            known = found.get(series)
            if known is None:
                contract = self._own(symbol)
                known = -1 if contract is None else len(instants)
                if contract is not None:
                    instants.append(settles_at(contract))
                found[series] = known
            places[place] = known
        return np.array(instants, np.int64), places

    def _own(self, symbol: str) -> OptionContract | None:
        try:
            contract = parse_contract(symbol)
        except InputError:
            return None
        is_own = contract.underlying == self.underlying and not contract.is_adjusted
        return contract if is_own else None


def _floats(values: Iterable[Any]) -> FloatColumn:
    return np.array([np.nan if one is None else float(one) for one in values], np.float64)
