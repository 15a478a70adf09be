"""What may still be sold or bought back of what a broker holds, while a tick sends its orders."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from exit_pipeline.core.model.exit_order import ExitOrder
from exit_pipeline.core.model.holdings import Holding

_NOTHING = Holding(quantity=0, of_others=0, deficit=0)


class Stock:
    """Contracts that exits may take, by account and symbol.

    Args:
        held: What the broker holds, by account and symbol.
        working: Our orders that may still fill.
    """

    def __init__(
        self, held: Mapping[str, Mapping[str, Holding]], working: Iterable[ExitOrder]
    ) -> None:
        self._held = dict(held)
        self._taken: Counter[tuple[str, str]] = Counter()
        for order in working:
            self._taken[_key(order)] += order.remaining_quantity

    @property
    def accounts(self) -> Collection[str]:
        """The accounts that the broker answered for."""
        return self._held.keys()

    def within(self, account: str, symbol: str, held_by_it: int, wanted: int) -> tuple[int, str]:
        """How many of the contracts that a position wants to close it may; with why no more.

        What the books have and the broker has not may be this position's or another's, so that no
        position sells it.

        Args:
            account: The broker's account.
            symbol: Compact OCC symbol.
            held_by_it: Contracts that the position holds by the books.
            wanted: Contracts that are due.

        Example: of 5 held, 2 are in other orders of ours: 3 of 4 wanted are within.
        """
        holding = self._held.get(account, {}).get(symbol, _NOTHING)
        free = holding.quantity - holding.of_others - self._taken[account, symbol]
        most = max(min(free, held_by_it - holding.deficit), 0)
        return min(wanted, most), f"the broker holds {most} contracts of {symbol} free for it"

    def take(self, order: ExitOrder) -> None:
        """A new order takes its contracts."""
        self._taken[_key(order)] += order.request.quantity

    def end(self, order: ExitOrder) -> None:
        """A working order has ended and holds nothing any more."""
        self._taken[_key(order)] -= order.remaining_quantity

    def renew(self, account: str, held: Mapping[str, Holding]) -> None:
        """The broker was asked again."""
        self._held[account] = held


def _key(order: ExitOrder) -> tuple[str, str]:
    return order.request.account, order.request.symbol
