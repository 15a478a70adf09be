"""Mutants of reconciling: what is made of what the broker shows and does not show."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from exit_pipeline.adapters.database.postgres import positions as position_store
from exit_pipeline.adapters.database.postgres.orders import PostgresOrders
from exit_pipeline.core.model.errors import ExitPipelineError
from exit_pipeline.core.model.order import OrderStatus
from exit_pipeline.core.model.position import PositionSide
from exit_pipeline.services import (
    holdings,
    reconcile,
    reconcile_holdings,
    reconcile_orders,
    submit,
)
from exit_pipeline.services.books import Books
from exit_pipeline.services.send_order import OrderDesk
from exit_pipeline_tests.simulation.mutants.mutant import (
    Mutant,
    together,
    value,
    wrapped,
)


def _no_proof(_before: Any, order: Any, _look: Any, _books: Any) -> str:
    return "the broker does not show it" if order.status in reconcile_orders._MAY_BE_NOWHERE else ""


def _never_abandons_intents(original: Callable[..., str]) -> Callable[..., str]:
    def why(before: Any, order: Any, look: Any, books: Any) -> str:
        is_intent = before.status is OrderStatus.PENDING
        return "" if is_intent else original(before, order, look, books)

    return why


def _failure_is_flat(original: Callable[..., Any]) -> Callable[..., Any]:
    def read(self: OrderDesk) -> Any:
        try:
            return original(self)
        except ExitPipelineError:
            return []

    return read


def _at_once(original: Callable[..., Any]) -> Callable[..., Any]:
    def see(connection: Any, environment: str, account: str, missing: Any, at: Any) -> Any:
        original(connection, environment, account, missing, at)
        return dict(missing)

    return see


_held_before: dict[str, Any] = {}
_read_working, _read_holdings = Books.read_working, Books.read_holdings


def _working_after_holdings(books: Books) -> Any:
    """What is held is read before the orders, and given back when it is asked for."""
    try:
        _held_before[books.run.run_id] = _read_holdings(books)
    except ExitPipelineError as error:
        _held_before[books.run.run_id] = error
    return _read_working(books)


def _holdings_of_before(books: Books) -> Any:
    held = _held_before.pop(books.run.run_id)
    if isinstance(held, ExitPipelineError):
        raise held
    return held


def _net_of_the_largest(positions: Any) -> Mapping[str, tuple[PositionSide, int]]:
    most: Counter[str] = Counter()
    sides: dict[str, PositionSide] = {}
    for position in positions:
        if position.contract is not None:
            symbol = position.contract.symbol
            sides[symbol] = position.side
            most[symbol] = max(most[symbol], position.open_quantity)
    return {symbol: (sides[symbol], contracts) for symbol, contracts in most.items() if contracts}


NO_STOCK_BOUND = Mutant(
    name="sells_what_is_not_held",
    breaks="nobody asks whether the broker holds what is to be sold",
    changes=(
        value(
            submit._Executor,
            "_within_what_is_held",
            lambda _self, _attempt, quantity: (quantity, ""),
        ),
    ),
    guarded_by="a broker that does not let more be closed than is held",
)
NO_QUARANTINE = Mutant(
    name="no_quarantine",
    breaks="an order that two looks don't show is given up, however soon they follow",
    changes=(value(reconcile_orders, "QUARANTINE", timedelta(0)),),
)
HOLDINGS_FIRST = Mutant(
    name="holdings_first",
    breaks="what is held is read before the orders",
    changes=(
        value(Books, "read_working", _working_after_holdings),
        value(Books, "read_holdings", _holdings_of_before),
    ),
    guarded_by="the quarantine, after which every order that was placed is shown",
)

NO_PROOF = Mutant(
    name="not_shown_is_never_placed",
    breaks="an order that the broker does not show is given up at the first look",
    changes=(value(reconcile_orders, "_why_never_placed", _no_proof),),
)

MUTANTS = (
    NO_PROOF,
    NO_QUARANTINE,
    Mutant(
        name="sender_may_live",
        breaks="nobody looks whether a process still holds an order to send it",
        changes=(value(PostgresOrders, "is_being_sent", lambda _self, _order: False),),
    ),
    Mutant(
        name="holdings_prove_nothing",
        breaks="an order counts as never placed although less is held than the books say",
        changes=(value(reconcile_orders, "_holds_all", lambda _order, _look: True),),
    ),
    Mutant(
        name="intents_stay",
        breaks="an intent that nobody began to send is never abandoned",
        changes=(wrapped(reconcile_orders, "_why_never_placed", _never_abandons_intents),),
    ),
    Mutant(
        name="failed_positions_are_flat",
        breaks="a query of positions that fails reads as an account without any",
        changes=(wrapped(OrderDesk, "read_positions", _failure_is_flat),),
    ),
    Mutant(
        name="gaps_at_first_sight",
        breaks="contracts that the broker does not show once count as closed by hand",
        changes=(wrapped(position_store, "see_gaps", _at_once),),
    ),
    Mutant(
        name="gaps_never",
        breaks="contracts that were closed by hand stay in the books",
        changes=(value(reconcile, "compare_holdings", lambda *_args, **_named: []),),
    ),
    Mutant(
        name="late_fills_never",
        breaks="orders that ended unfilled are not looked at again when contracts are missing",
        changes=(value(reconcile_holdings, "_look_at_ended", lambda *_args: []),),
    ),
    HOLDINGS_FIRST,
    together(
        "neither_order_nor_quarantine",
        "what is held is read before the orders, and one not shown by them is given up at once",
        HOLDINGS_FIRST,
        NO_QUARANTINE,
    ),
    Mutant(
        name="positions_share_a_symbol",
        breaks="positions of one contract are compared with what is held one by one, not together",
        changes=(
            value(holdings, "net_books", _net_of_the_largest),
            value(reconcile_holdings, "net_books", _net_of_the_largest),
        ),
    ),
    Mutant(
        name="strangers_are_nobody",
        breaks="orders at work that the books don't know, or have ended, are passed over",
        changes=(value(reconcile, "disown", lambda *_args: []),),
    ),
    Mutant(
        name="settlements_are_not_read",
        breaks="what expired stays in the books, and nobody is told",
        changes=(value(reconcile, "settle", lambda *_args: []),),
    ),
    NO_STOCK_BOUND,
)
