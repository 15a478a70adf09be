"""What a broker holds, seen from our books."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence

from exit_pipeline.core.model.errors import ExitPipelineError
from exit_pipeline.core.model.holdings import Holding
from exit_pipeline.core.model.order import HeldPosition, OrderReport
from exit_pipeline.core.model.position import Position, PositionSide
from exit_pipeline.services.send_order import OrderDesk

log = logging.getLogger(__name__)


def taken_by(strangers: Sequence[OrderReport]) -> dict[str, int]:
    """Contracts that working orders of somebody else's may take, by symbol."""
    taken: Counter[str] = Counter()
    for report in strangers:
        taken[report.symbol] += report.quantity - report.filled_quantity
    return dict(taken)


def judge_holdings(
    positions: Sequence[Position],
    held: Mapping[str, HeldPosition],
    of_others: Mapping[str, int],
) -> dict[str, Holding]:
    """What the broker holds of each contract that we have positions in.

    Args:
        positions: All open positions of the account.
        held: What the broker holds, by symbol; read after the orders.
        of_others: Contracts that closing orders of somebody else's may take, by symbol.

    Example: our rows have 5, the broker holds 3, somebody else's order works 1 of them: quantity 3,
    of others 1, deficit 2.
    """
    found = {}
    for symbol, (side, contracts) in net_books(positions).items():
        quantity = same_side(held.get(symbol), side)
        deficit = max(contracts - quantity, 0)
        found[symbol] = Holding(
            quantity=quantity, of_others=of_others.get(symbol, 0), deficit=deficit
        )
    return found


def read_again(desk: OrderDesk, before: Mapping[str, Holding]) -> dict[str, Holding] | None:
    """What the broker holds now, after an order has ended; None where it does not say.

    Args:
        desk: Asks the broker.
        before: What was known before; what others' orders take is kept of it.
    """
    try:
        held = {one.symbol: one for one in desk.read_positions()}
    except ExitPipelineError as error:
        log.warning("ExitWorker: holdings of %s: %s", desk.account, error)
        return None
    rows = desk.database.positions.open_positions(desk.broker.environment, [desk.account])
    mine = [position for position in rows if position.broker == desk.broker.name]
    of_others = {symbol: one.of_others for symbol, one in before.items()}
    return judge_holdings(mine, held, of_others)


def net_books(positions: Sequence[Position]) -> dict[str, tuple[PositionSide, int]]:
    """Side and contracts of our open rows, by symbol; rows of both sides net out."""
    net: Counter[str] = Counter()
    for position in positions:
        if position.contract is not None:
            sign = 1 if position.side is PositionSide.LONG else -1
            net[position.contract.symbol] += sign * position.open_quantity
    return {
        symbol: (PositionSide.LONG if contracts > 0 else PositionSide.SHORT, abs(contracts))
        for symbol, contracts in net.items()
        if contracts
    }


def same_side(held: HeldPosition | None, side: PositionSide) -> int:
    """Contracts that are held on one side."""
    if held is None:
        return 0
    return max(held.quantity if side is PositionSide.LONG else -held.quantity, 0)
