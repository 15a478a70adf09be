"""Accounts, orders and positions as Alpaca writes them."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from exit_pipeline_tests.fake_brokers.alpaca_ledger import Ledger, Order, stamp

ACCOUNT = "PA3FAKE00001"


def show_account() -> dict[str, Any]:
    return {
        "id": str(UUID(int=(4 << 76) + (8 << 60) + 1)),
        "account_number": ACCOUNT,
        "status": "ACTIVE",
        "currency": "USD",
        "buying_power": "100000",
        "cash": "100000",
        "multiplier": "2",
        "options_approved_level": 2,
        "options_trading_level": 2,
        "trading_blocked": False,
        "account_blocked": False,
    }


def show_position(ledger: Ledger, symbol: str) -> dict[str, Any]:
    held, free = ledger.holdings[symbol], ledger.free(symbol)
    quote = ledger.quotes.get(symbol)
    now = quote.bid if quote else held.price
    value, cost = now * held.quantity * 100, held.price * held.quantity * 100
    shown = {
        "asset_id": str(UUID(int=7)),
        "symbol": symbol,
        "exchange": "",
        "asset_class": "us_option",
        "asset_marginable": False,
        "avg_entry_price": str(held.price),
        "qty": str(held.quantity),
        "qty_available": str(free if held.quantity > 0 else -free),
        "side": "long" if held.quantity > 0 else "short",
        "market_value": str(value),
        "cost_basis": str(cost),
        "unrealized_pl": str(value - cost),
        "current_price": str(now),
        "lastday_price": str(held.price),
    }
    rates = ("unrealized_plpc", "unrealized_intraday_pl", "unrealized_intraday_plpc")
    return shown | dict.fromkeys((*rates, "change_today"), "0")


def show_order(order: Order, unknown_status: str | None) -> dict[str, Any]:
    """An order as the API writes it."""
    value = sum((quantity * price for quantity, price, _ in order.fills), Decimal(0))
    times = {name: stamp(at) for name, at in order.ended.items()}
    names = ("filled_at", "expired_at", "canceled_at", "failed_at", "replaced_at")
    nothing = ("replaced_by", "replaces", "notional", "stop_price", "legs", "trail_percent")
    return {
        "id": order.id,
        "client_order_id": order.body["client_order_id"],
        **dict.fromkeys(("created_at", "submitted_at"), stamp(order.at)),
        "updated_at": stamp(max([order.at, *order.ended.values()])),
        **dict.fromkeys((*names, *nothing, "trail_price", "hwm"), None),
        **times,
        "asset_id": str(UUID(int=7)),
        "symbol": order.symbol,
        "asset_class": "us_option",
        "qty": str(order.quantity),
        "filled_qty": str(order.filled),
        "filled_avg_price": str(round(value / order.filled, 6)) if order.filled else None,
        "order_class": "simple",
        "order_type": order.body["type"],
        "type": order.body["type"],
        "side": order.body["side"],
        "position_intent": order.body.get("position_intent", "sell_to_close"),
        "time_in_force": order.body["time_in_force"],
        "limit_price": str(order.body["limit_price"]),
        "status": unknown_status or order.status,
        "extended_hours": False,
    }
