"""Mutants of sending: what is recorded when, and what a lost answer means."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from exit_pipeline.adapters.clients.http import HttpClient
from exit_pipeline.adapters.clients.http_answers import RequestFailed
from exit_pipeline.adapters.clients.postgres_engine import session_lock, transaction
from exit_pipeline.adapters.database.postgres.intents import begin_sending
from exit_pipeline.adapters.database.postgres.orders import PostgresOrders
from exit_pipeline.core.model.errors import ExitPipelineError
from exit_pipeline.core.model.exit_order import ExitOrder
from exit_pipeline.core.model.order import OrderReport, OrderRequest, OrderStatus
from exit_pipeline.services import send_order, submit
from exit_pipeline.services.send_order import OrderDesk
from exit_pipeline_tests.simulation.faults import ALPACA, HTTP
from exit_pipeline_tests.simulation.mutants.mutant import Mutant, value, wrapped

_FAILED = range(500, 600)


class _Placed:
    """A broker at which an order was placed before: what came of it stands for sending it."""

    def __init__(self, broker: Any, report: OrderReport) -> None:
        self._broker = broker
        self._report = report

    def submit(self, _request: OrderRequest, _send_by: datetime | None = None) -> OrderReport:
        return self._report

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)


def _posts_first(original: Callable[..., str]) -> Callable[..., str]:
    def exit_(self: Any, attempt: Any, desk: OrderDesk, quantity: int, *, replaces: bool) -> str:
        within, _ = self._within_what_is_held(attempt, quantity)
        if attempt.price is None or within <= 0:
            return original(self, attempt, desk, quantity, replaces=replaces)
        intent = self.planner.intent(attempt, attempt.price, within, desk.fence, replaces=replaces)
        report = desk.broker.submit(intent.request)
        placed = replace(desk, broker=_Placed(desk.broker, report))
        return original(self, attempt, placed, quantity, replaces=replaces)

    return exit_


@contextmanager
def _sending_in_one_transaction(
    self: Any, order: ExitOrder, fence: int, at: datetime
) -> Iterator[bool]:
    with session_lock(self._engine, order.id) as is_mine:
        if not is_mine:
            yield False
            return
        with transaction(self._engine) as connection:
            yield begin_sending(connection, order.id, fence, at)


def _lost_is_never_placed(self: OrderDesk, order: ExitOrder, why: str) -> str:
    self.database.orders.mark_status(order.id, OrderStatus.ABANDONED, why)
    return why


def _takes_it_for_the_first(original: Callable[..., str]) -> Callable[..., str]:
    return lambda self, order: original(self, replace(order, status=OrderStatus.PENDING))


def _posts_again(original: Callable[..., Any]) -> Callable[..., Any]:
    def request(self: HttpClient, method: str, path: str, **named: Any) -> Any:
        try:
            return original(self, method, path, **named)
        except RequestFailed as failure:
            if method != "POST" or failure.status not in _FAILED:
                raise
            return original(self, method, path, **named)

    return request


def _cancel_is_believed(self: OrderDesk, order: ExitOrder) -> ExitOrder | None:
    request = order.request
    if not self.database.orders.begin_cancel(order.id):
        return None
    try:
        self.broker.cancel(request.account, request.client_order_id)
    except ExitPipelineError:
        self.alert("WARNING", "CANCEL_NOT_CONFIRMED", order.position_id, "it counts all the same")
    self.database.orders.mark_status(order.id, OrderStatus.CANCELLED)
    (now,) = self.database.orders.under_ids([request.client_order_id])
    return None if now.status.is_live else now


MUTANTS = (
    Mutant(
        name="posts_first",
        breaks="an order is posted before its intent is recorded",
        changes=(wrapped(submit._Executor, "_exit", _posts_first),),
    ),
    Mutant(
        name="commits_after_the_post",
        breaks="the transaction that marks an order as being sent is open while it is posted",
        changes=(value(PostgresOrders, "sending", _sending_in_one_transaction),),
    ),
    Mutant(
        name="lost_answer_is_never_placed",
        breaks="an order whose answer is lost is given up, and the next tick sends a new id",
        changes=(value(OrderDesk, "_lost", _lost_is_never_placed),),
    ),
    Mutant(
        name="refused_again_is_refused",
        breaks="an order that is sent again and refused counts as refused, whatever became of the"
        " first one",
        changes=(wrapped(OrderDesk, "send", _takes_it_for_the_first),),
        brokers=ALPACA | {"paper"},
    ),
    Mutant(
        name="posts_again_on_5xx",
        breaks="an order is posted again when the gateway fails",
        changes=(wrapped(HttpClient, "request", _posts_again),),
        brokers=HTTP,
    ),
    Mutant(
        name="sends_however_late",
        breaks="nobody looks at the clock before the first byte of an order is written",
        changes=(value(send_order, "SEND_WITHIN", timedelta(days=1)),),
    ),
    Mutant(
        name="cancel_is_believed",
        breaks="a cancel counts as soon as it is asked for",
        changes=(value(OrderDesk, "cancel", _cancel_is_believed),),
    ),
)
