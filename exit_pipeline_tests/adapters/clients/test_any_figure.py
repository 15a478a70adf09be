"""Whatever a vendor writes in place of any one figure: it is read, or it is an error of ours.

Regression: Tradier's count of contracts filled was counted out one by one, however large it was; an
absurd average, cash or time ended in an error of the decimal or time module.
"""

import copy
import json
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from exit_pipeline.adapters.clients import (
    alpaca_holdings,
    alpaca_orders,
    alpaca_snapshots,
    cboe,
    tradier_json,
    tradier_orders,
    tradier_positions,
)
from exit_pipeline.adapters.market_data.tradier import price_of, quote_of
from exit_pipeline.core.model.errors import ExitPipelineError
from exit_pipeline_tests.desk import CALL, MORNING
from exit_pipeline_tests.fake_brokers.alpaca_ledger import Ledger
from exit_pipeline_tests.fake_brokers.alpaca_rows import show_order, show_position
from exit_pipeline_tests.fake_brokers.cboe import option
from exit_pipeline_tests.fake_brokers.tradier_ledger import Ledger as TradierLedger
from exit_pipeline_tests.fake_brokers.tradier_ledger import option_row, position_rows, share_row
from exit_pipeline_tests.fakes import FixedClock

ODD: list[Any] = [
    None, "null", "", [], {}, [1], {"a": 1}, True, False, -1, 0, 1e308, -1e308, 10**400, 1e-9,
    "1e999", "NaN", "Infinity", "-3", "12.5", "x" * 50, "9" * 4_000, "2026-99-99",
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999-14:00", "\ud800", "\x00", float("nan"),
    float("inf"), 2**70,
]  # fmt: skip
QUOTED = {"t": "2026-03-17T14:00:00Z", "bp": 4.1, "bs": 1, "ap": 4.3, "as": 2}
TRADED = {"t": "2026-03-17T14:00:00Z", "p": 101.2}
ORDER_OF_THREE = {
    "client_order_id": "a", "symbol": CALL, "qty": "3", "side": "sell", "type": "limit",
    "time_in_force": "day", "limit_price": "1.0", "position_intent": "sell_to_close",
}  # fmt: skip
FORM = {
    "type": "limit", "symbol": "ACME", "side": "sell_to_close", "quantity": "3", "duration": "day",
    "price": "1.0", "option_symbol": CALL, "tag": "a",
}  # fmt: skip


def _alpaca() -> dict[str, Any]:
    """An order with its fills, a position and a settlement, as Alpaca writes them."""
    ledger = Ledger(lambda: MORNING)
    ledger.hold(CALL, 3)
    ledger.quote(CALL, "1.1", "1.2", 2)
    order = show_order(ledger.place(dict(ORDER_OF_THREE)), None)
    fills, position = copy.deepcopy(ledger.activities), show_position(ledger, CALL)
    ledger.settle(CALL, "OPEXC", "12.00")
    settled = ledger.activities[-1]
    return {"order": order, "fills": fills, "position": position, "settled": settled}


def _tradier() -> dict[str, Any]:
    ledger = TradierLedger(FixedClock(MORNING))
    ledger.hold(CALL, 3)
    ledger.quote(CALL, "1.1", "1.2", 2)
    return {"orders": [ledger.place(dict(FORM))], "positions": position_rows(ledger)}


def _read_alpaca(rows: dict[str, Any]) -> None:
    order = rows["order"]
    alpaca_orders.is_closing_option(order)
    alpaca_orders.since(order)
    alpaca_orders.to_report(order, rows["fills"], MORNING + timedelta(hours=1))


def _settle_alpaca(row: dict[str, Any]) -> None:
    for ended in alpaca_holdings.read_ended([row]):
        alpaca_holdings.to_settlement("desk", ended, {"ACME": Decimal(101)})


def _read_tradier(rows: dict[str, Any]) -> None:
    orders = tradier_orders.legs(rows["orders"])
    for order in orders:
        tradier_orders.may_fill(order)
    tradier_orders.report_tagged(orders, "a", "paper", MORNING)


def _page_tradier(body: dict[str, Any]) -> None:
    tradier_json.refusing_words(body)
    tradier_json.every_page(lambda _number: body)


def _read_cboe(body: dict[str, Any]) -> None:
    chain = cboe.parse_chain(json.dumps(body).encode())
    for symbol in chain.symbols:
        chain.quote(symbol)


def _held_at_tradier(rows: list[dict[str, Any]]) -> None:
    tradier_positions.held_options("desk", rows)


SNAPSHOT = {"latestQuote": QUOTED, "latestTrade": TRADED, "greeks": {"delta": 0.5}}
CHAIN = {"options": [option(CALL, 1.0, 1.1)], "current_price": 101.0, "last_trade_time": "x"}
READERS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "Alpaca's order and fills": (_read_alpaca, _alpaca()),
    "Alpaca's position": (lambda r: alpaca_holdings.to_held("x", r), _alpaca()["position"]),
    "Alpaca's settlement": (_settle_alpaca, _alpaca()["settled"]),
    "Alpaca's quote": (lambda row: alpaca_snapshots.to_quote(CALL, row), SNAPSHOT),
    "Alpaca's price": (lambda row: alpaca_snapshots.to_price("ACME", row), SNAPSHOT),
    "Alpaca's level": (lambda row: alpaca_snapshots.to_level("VIX", row), {"t": "x", "v": 18.45}),
    "Tradier's order": (_read_tradier, _tradier()),
    "Tradier's page": (_page_tradier, {"orders": {"order": [{"id": 1}], "total_pages": 1}}),
    "Tradier's positions": (_held_at_tradier, _tradier()["positions"]),
    "Tradier's quote": (quote_of, option_row(CALL, MORNING, greeks={"delta": 0.5, "mid_iv": 0.2})),
    "Tradier's price": (lambda row: price_of(row, "ACME"), share_row("ACME", 101.0, MORNING)),
    "Cboe's chain": (_read_cboe, {"data": CHAIN}),
}


def _spoilt(whole: Any) -> Iterator[Any]:
    """Copies with each field of each object replaced by each odd value."""
    for path in _paths(whole):
        for odd in ODD:
            spoilt = copy.deepcopy(whole)
            place = spoilt
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = odd
            yield spoilt


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if not isinstance(inner, list | dict):
                yield (*path, name)
            yield from _paths(inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _paths(inner, (*path, number))


@pytest.mark.parametrize(("read", "whole"), READERS.values(), ids=READERS)
def test_any_figure_is_read_or_is_an_error_of_ours(
    read: Callable[[Any], Any], whole: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    read(copy.deepcopy(whole))
    for spoilt in _spoilt(whole):
        try:
            read(spoilt)
        except ExitPipelineError as error:
            assert str(error)  # noqa: PT017 it may be raised or not
