"""Mutants of the vendors' adapters: what their answers are taken to mean."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from exit_pipeline.adapters.brokers.tradier import TradierBroker
from exit_pipeline.adapters.clients import alpaca_orders, http, tradier_orders
from exit_pipeline.adapters.clients.rate_limits import Budgets
from exit_pipeline.adapters.clients.tradier import TradierClient, _order_path
from exit_pipeline.adapters.clients.tradier_json import rows
from exit_pipeline.core.model.order import OrderStatus
from exit_pipeline_tests.simulation.faults import HTTP, TRADIER
from exit_pipeline_tests.simulation.mutants.mutant import Mutant, value, wrapped


class _EndedWhenUnknown(dict[str, OrderStatus]):
    """Statuses, any other of which is an end."""

    def get(self, key: str, _default: Any = None) -> OrderStatus:
        return dict.get(self, key, OrderStatus.REJECTED)  # type: ignore[return-value]


def _first_page(**params: str) -> Callable[..., Any]:
    def orders(self: TradierClient, account: str, *, urgent: bool = False) -> Any:
        path, template = _order_path(account)
        body = self._wire.read(path, template, params=params, urgent=urgent)
        return rows(body, "orders", "order")

    return orders


def _ok_is_cancelled(original: Callable[..., Any]) -> Callable[..., Any]:
    def cancel(self: TradierBroker, account: str, client_order_id: str) -> Any:
        report = original(self, account, client_order_id)
        is_asked_for = report.status is OrderStatus.PENDING_CANCEL
        return replace(report, status=OrderStatus.CANCELLED) if is_asked_for else report

    return cancel


def _quotes_the_request(original: Callable[..., Any]) -> Callable[..., Any]:
    def why(error: Any) -> str:
        return f"{original(error)}: {dict(error.request.headers)}"

    return why


MUTANTS = (
    Mutant(
        name="listing_of_25",
        breaks="Tradier's list of orders is read without a limit, and only its first page",
        changes=(value(TradierClient, "orders", _first_page(includeTags="true")),),
        brokers=TRADIER,
    ),
    Mutant(
        name="listing_without_tags",
        breaks="Tradier's list of orders is read without their tags",
        changes=(value(TradierClient, "orders", _first_page(limit="1500")),),
        brokers=TRADIER,
    ),
    Mutant(
        name="ok_is_cancelled",
        breaks="Tradier's ok to a cancel counts as its end",
        changes=(wrapped(TradierBroker, "cancel", _ok_is_cancelled),),
        brokers=TRADIER,
    ),
    Mutant(
        name="unknown_status_is_an_end",
        breaks="a status that is not known counts as an end",
        changes=(
            wrapped(alpaca_orders, "_STATUSES", _EndedWhenUnknown),
            wrapped(tradier_orders, "_STATUSES", _EndedWhenUnknown),
        ),
        brokers=HTTP,
    ),
    Mutant(
        name="no_budget",
        breaks="requests are sent whatever the vendor's rate limit",
        changes=(value(Budgets, "take", lambda *_args, **_named: None),),
        brokers=HTTP,
    ),
    Mutant(
        name="errors_quote_the_request",
        breaks="an error of the connection quotes the request's headers",
        changes=(wrapped(http, "why", _quotes_the_request),),
        brokers=HTTP,
    ),
)
