"""Mutants of booking: fills, positions, money, and the history of orders."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from exit_pipeline.adapters.database.postgres import closing, fills, order_rows
from exit_pipeline.adapters.database.postgres.orders import PostgresOrders
from exit_pipeline.core.model.order import OrderStatus
from exit_pipeline_tests.simulation.faults import HTTP
from exit_pipeline_tests.simulation.mutants.looking import NO_PROOF
from exit_pipeline_tests.simulation.mutants.mutant import (
    Mutant,
    index_dropped,
    text,
    together,
    trigger_off,
    wrapped,
)


def _by_status(original: Callable[..., int]) -> Callable[..., int]:
    """Only an order that is FILLED has filled."""

    def book(self: Any, order: Any, report: Any) -> int:
        is_filled = report.status is OrderStatus.FILLED
        return original(self, order, report if is_filled else replace(report, fills=()))

    return book


def _not_after_the_end(original: Callable[..., int]) -> Callable[..., int]:
    def book(self: Any, order: Any, report: Any) -> int:
        (now,) = self.under_ids([order.request.client_order_id])
        return original(self, order, report) if now.status.is_live else 0

    return book


def _by_time(original: Callable[..., int]) -> Callable[..., int]:
    def book(self: Any, order: Any, report: Any) -> int:
        renamed = tuple(
            replace(fill, execution_id=f"{report.broker_order_id}-{fill.executed_at:%H%M%S}")
            for fill in report.fills
        )
        return original(self, order, replace(report, fills=renamed))

    return book


def _without_costs(original: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: replace(original(*args), costs=Decimal(0))


def _never_gives_back(original: Callable[..., None]) -> Callable[..., None]:
    def reserve(connection: Any, position_id: str, contracts: int) -> None:
        if contracts > 0:
            original(connection, position_id, contracts)

    return reserve


def _lives_again(original: Callable[..., OrderStatus]) -> Callable[..., OrderStatus]:
    def status(order: Any, reported: OrderStatus, filled: int) -> OrderStatus:
        return original(order, reported, filled) if order.status.is_live else reported

    return status


LIVES_AGAIN = Mutant(
    name="ended_orders_live_again",
    breaks="an order that had ended becomes whatever the broker reports of it",
    changes=(
        wrapped(fills, "_next_status", _lives_again),
        trigger_off("orders", "exit_pipeline_check_order"),
    ),
    brokers=HTTP,
    guarded_by="the proof that ends an order, after which no broker reports it at work",
)

MUTANTS = (
    Mutant(
        name="books_the_status",
        breaks="fills are booked when an order is FILLED, and those of cancelled ones are not",
        changes=(wrapped(PostgresOrders, "book", _by_status),),
    ),
    Mutant(
        name="ignores_late_fills",
        breaks="fills of an order that had ended are not booked",
        changes=(wrapped(PostgresOrders, "book", _not_after_the_end),),
    ),
    Mutant(
        name="keys_fills_by_time",
        breaks="a fill is known by its time instead of by the broker's execution",
        changes=(wrapped(PostgresOrders, "book", _by_time),),
    ),
    Mutant(
        name="books_every_look",
        breaks="a fill has no key, so every look books it anew",
        guarded_by="of a report no more is booked than it has beyond what is booked",
        changes=(
            index_dropped("trades_once_per_execution"),
            text(
                fills,
                "_INSERT_FILLS",
                "ON CONFLICT (broker, broker_trade_id) WHERE broker IS NOT NULL DO NOTHING",
                "",
            ),
        ),
    ),
    Mutant(
        name="costs_are_lost",
        breaks="commission and fees are left out of the realised profit",
        changes=(wrapped(fills, "_insert_fills", _without_costs),),
        brokers=frozenset({"paper"}),
    ),
    Mutant(
        name="profit_of_the_last_fill",
        breaks="the realised profit is that of the last fill, not of all",
        changes=(
            text(
                closing,
                "_CLOSE_CONTRACTS",
                "coalesce(p.realized_pnl, 0) + gained.dollars",
                "gained.dollars",
            ),
        ),
    ),
    Mutant(
        name="profit_of_a_long",
        breaks="the profit of a short position has the sign of a long one",
        changes=(
            text(closing, "_CLOSE_CONTRACTS", "CASE side WHEN 'LONG' THEN 1 ELSE -1 END", "1"),
        ),
    ),
    Mutant(
        name="reservations_stay",
        breaks="an order that ends keeps its contracts reserved",
        changes=(wrapped(order_rows, "reserve", _never_gives_back),),
    ),
    LIVES_AGAIN,
    together(
        "given_up_lives_again",
        "an order is given up at the first look, and lives again once the broker shows it",
        LIVES_AGAIN,
        NO_PROOF,
    ),
    Mutant(
        name="no_history",
        breaks="changes of orders leave no event",
        changes=(trigger_off("orders", "exit_pipeline_note_order"),),
    ),
)
