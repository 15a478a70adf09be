"""How contracts left an account without an order of ours, as its broker tells it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from exit_pipeline.core.model.order import Fill, OrderSide, Settlement
from exit_pipeline.core.model.position import CloseKind, PositionSide


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingFill:
    """An execution that closed contracts of an account, whoever ordered it.

    Attributes:
        symbol: Compact OCC symbol.
        side: Closing leg.
        fill: The execution, under the id that it would have as a fill of an order of ours.
        broker_order_id: The broker's key of the order.
        client_order_id: The id that whoever ordered it gave to the order, empty where none was
            given; None where the broker does not tell it here.
    """

    symbol: str
    side: OrderSide
    fill: Fill
    broker_order_id: str
    client_order_id: str | None

    @property
    def closes(self) -> PositionSide:
        """The side of the positions that it closed: a sale closes long ones."""
        sells = self.side is OrderSide.SELL_TO_CLOSE
        return PositionSide.LONG if sells else PositionSide.SHORT

    @property
    def evidence(self) -> "Evidence":
        """It as evidence of what became of contracts."""
        return Evidence(
            evidence_id=self.fill.execution_id,
            kind=CloseKind.EXTERNAL,
            quantity=self.fill.quantity,
            price=self.fill.price,
            commission=self.fill.commission,
            fees=self.fill.fees,
            closed_at=self.fill.executed_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Why contracts are gone, whether by an execution or a settlement.

    Attributes:
        evidence_id: The broker's own key; each contract of one counts once for ever.
        kind: EXTERNAL for an execution, else how they ended.
        quantity: Contracts.
        price: Dollars per share.
        commission: Dollars for all of them.
        fees: Dollars for all of them.
        closed_at: The broker's time.
    """

    evidence_id: str
    kind: CloseKind
    quantity: int
    price: Decimal
    commission: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    closed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Unexplained:
    """Contracts of a position that were closed elsewhere, at a price that is not known yet.

    Attributes:
        position_id: The position, open or closed.
        account: The broker's account.
        symbol: Compact OCC symbol.
        side: LONG or SHORT.
        contracts: How many, at least 1.
        held_since: When it was entered, or first seen at the broker where that was later.
        gone_by: When they counted as gone.
    """

    position_id: str
    account: str
    symbol: str
    side: PositionSide
    contracts: int
    held_since: datetime
    gone_by: datetime


def settlement_evidence(settlement: Settlement) -> Evidence:
    """A settlement as evidence of what became of contracts."""
    return Evidence(
        evidence_id=settlement.settlement_id,
        kind=CloseKind(settlement.kind),
        quantity=settlement.quantity,
        price=settlement.price,
        closed_at=settlement.settled_at,
    )
