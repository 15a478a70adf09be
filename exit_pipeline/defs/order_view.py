"""What a run shows of its orders: each beside the market that it was decided on."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from exit_pipeline.core.model.book_state import TickOrder
from exit_pipeline.core.model.price import say_dollars
from exit_pipeline.defs.views import Metadata, table
from exit_pipeline.services.tell_tick import slippage_of


def order_figures(orders: Sequence[TickOrder]) -> Metadata:
    """The orders of a tick and what their fills cost; what is not known is left out."""
    slipped = slippage_of(orders)
    shown: Metadata = {
        "orders": len(orders),
        "contracts_filled": sum(one.filled_quantity for one in orders),
    }
    if slipped is not None:
        shown["slippage_dollars"] = round(float(slipped.dollars), 2)
        if slipped.of_spread is not None:
            shown["slippage_percent_of_spread"] = round(slipped.of_spread, 1)
    return {"orders_table": table([order_row(one) for one in orders])} | shown


def order_row(order: TickOrder) -> dict[str, Any]:
    """One order: what the market was, what was asked for, what came of it."""
    slipped = order.slippage
    share = slipped.of_spread if slipped else None
    filled = f"{order.filled_quantity} at {say_dollars(order.average_price)}"
    return {
        "position": order.position_id,
        "reason": order.exit_reason.replace("_", " "),
        "order": f"{order.side.value.split('_')[0].lower()} {order.quantity}",
        "status": order.status,
        "bid": say_dollars(order.bid),
        "mid": say_dollars(_mid(order.bid, order.ask)),
        "ask": say_dollars(order.ask),
        "filled": filled if order.filled_quantity else "0",
        "slippage $": "" if slipped is None else f"{slipped.dollars:+.2f}",
        "of spread": "" if share is None else f"{share:+.0f} %",
        "limit": say_dollars(order.limit_price),
        "worst": say_dollars(order.worst_price),
        "note": order.why,
    }


def _mid(bid: Decimal | None, ask: Decimal | None) -> Decimal | None:
    return None if bid is None or ask is None else (bid + ask) / 2
