"""The program's own paper broker as the broker of a seed, its ledger read with SQL."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from itertools import count

from exit_pipeline.core.model.order import OrderRequest, OrderSide
from exit_pipeline.core.model.record import NewPosition
from exit_pipeline_tests.simulation.database import SimDatabase
from exit_pipeline_tests.simulation.holdings import Owner
from exit_pipeline_tests.simulation.market import Level
from exit_pipeline_tests.simulation.venues import ClosedByHand, LedgerOrder, Limit

_ORDERS = """
    SELECT coalesce(json_agg(o ORDER BY o.submitted_at, o.id), '[]') FROM (
        SELECT p.id, p.client_order_id, p.symbol, p.side, p.quantity, p.filled_quantity, p.status,
               p.submitted_at,
               (SELECT coalesce(sum(f.quantity * f.price), 0) FROM paper.fills f
                WHERE f.order_id = p.id) AS value
        FROM paper.orders p WHERE p.status <> 'REJECTED') o
"""
_WORKING = frozenset({"ACCEPTED", "PARTIAL_FILL"})


class PaperVenue:
    """The paper broker, whose books are in the same database.

    Args:
        database: Where they are.
        submit: Places an order as somebody else's program would.
    """

    owner = Owner("paper", "desk")
    host = ""

    def __init__(self, database: SimDatabase, submit: Callable[[OrderRequest], bool]) -> None:
        self.limit = Limit()
        self._database = database
        self._submit = submit
        self._by_hand = (f"by-hand-{number}" for number in count(1))

    def hold(self, positions: Sequence[NewPosition]) -> None:
        """Importing positions deposits them."""

    def orders(self) -> list[LedgerOrder]:
        return [
            LedgerOrder(
                client_order_id="" if name.startswith("by-hand") else name,
                broker_order_id=row["id"],
                symbol=row["symbol"],
                sells=row["side"] == "SELL_TO_CLOSE",
                quantity=int(row["quantity"]),
                filled=row["filled_quantity"],
                value=Decimal(row["value"]),
                is_open=row["status"] in _WORKING,
                status=row["status"],
                at=row["submitted_at"],
            )
            for row in self._database.document(_ORDERS)
            for name in (row["client_order_id"],)
        ]

    def holdings(self) -> Mapping[str, int]:
        rows = self._database.rows("SELECT symbol, quantity FROM paper.positions ORDER BY symbol")
        return {row["symbol"]: row["quantity"] for row in rows}

    def move(self, levels: Mapping[str, Level | None]) -> None:
        """It asks for quotes itself, whenever somebody looks."""

    def end_day(self, values: Mapping[str, Decimal]) -> None:
        """It ends its day by itself."""

    def trade_by_hand(self, symbol: str, quantity: int, *, fills: bool) -> bool:
        sells = self.holdings().get(symbol, 0) > 0
        request = OrderRequest(
            client_order_id=next(self._by_hand),
            account=self.owner.account,
            symbol=symbol,
            side=OrderSide.SELL_TO_CLOSE if sells else OrderSide.BUY_TO_CLOSE,
            quantity=quantity,
            limit_price=Decimal("0.01") if sells == fills else Decimal("9999.00"),
        )
        return self._submit(request)

    def executions(self) -> Mapping[str, ClosedByHand]:
        """It tells of nobody else's."""
        return {}

    def end(self, broker_order_id: str, status: str) -> None:
        """It never ends an order by itself before the day does."""

    def execute(self, broker_order_id: str, quantity: int) -> None:
        """It never fills an order that it has ended."""
