"""Mutants of the last gate: who may send, when, how much, and at what price."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from exit_pipeline.adapters.database.postgres import closing, fills, intents, orders
from exit_pipeline.adapters.database.postgres.opening import Opening
from exit_pipeline.core.engine import check_orders
from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.exit_order import DenialCode
from exit_pipeline.services import attempts, open_tick, send_order
from exit_pipeline_tests.simulation import engine
from exit_pipeline_tests.simulation.alpaca_venue import AlpacaVenue
from exit_pipeline_tests.simulation.faults import HTTP
from exit_pipeline_tests.simulation.mutants.looking import NO_STOCK_BOUND
from exit_pipeline_tests.simulation.mutants.mutant import (
    Change,
    Mutant,
    check_dropped,
    index_dropped,
    together,
    trigger_off,
    value,
    wrapped,
)
from exit_pipeline_tests.simulation.tradier_venue import TradierVenue


def _but_for(*codes: DenialCode) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A gate that lets through what it would deny for one of these reasons."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def check(*args: Any) -> Any:
            denial = original(*args)
            return None if denial is not None and denial.code in codes else denial

        return check

    return make


def _open_gate(*codes: DenialCode) -> tuple[Change, ...]:
    parts = ("_impossible", "_halted", "_too_late", "_priced_badly")
    return tuple(wrapped(check_orders, part, _but_for(*codes)) for part in parts)


def _never_in(original: Callable[..., Any]) -> Callable[..., Any]:
    """An account that nobody else ever holds."""

    def lock(self: Opening, account: str) -> None:
        original(self, account)

    return lock


def _without_lock(original: Callable[..., Any]) -> Callable[..., Any]:
    """Statements without their row locks."""
    return lambda connection, statement, **values: original(
        connection, statement.replace("FOR UPDATE", ""), **values
    )


def _with_lease(original: Callable[..., Any]) -> Callable[..., Any]:
    def begin(self: Opening, account: str) -> Any:
        fence = self._take_lease(account) if self.tick.dry_run else None
        return replace(original(self, account), fence=fence)

    return begin


def _sends_all_the_same(original: Callable[..., Any]) -> Callable[..., Any]:
    def execute(decided: Any, **named: Any) -> Any:
        tick = replace(decided.tick, request=replace(decided.tick.request, dry_run=False))
        return original(replace(decided, tick=tick), **named)

    return execute


def _without_guard(original: Callable[..., None]) -> Callable[..., None]:
    def init(self: Any, timeline: Any, *, guards: bool) -> None:  # noqa: ARG001
        original(self, timeline, guards=False)

    return init


def _off_the_grid(original: Callable[..., Any]) -> Callable[..., Any]:
    def price(*args: Any) -> Any:
        found = original(*args)
        return found and replace(found, limit=(found.limit + found.worst) / 2)

    return price


FENCE_IN_PROGRAM = Mutant(
    name="fence_not_asked_for",
    breaks="the program does not ask whether its lease is still the account's",
    changes=(
        value(intents, "is_fence", lambda *_args: True),
        value(orders, "is_fence", lambda *_args: True),
    ),
    guarded_by="the trigger of the orders table",
)
FENCE_IN_DATABASE = Mutant(
    name="fence_not_in_database",
    breaks="the database takes an intent under any fence",
    changes=(trigger_off("orders", "exit_pipeline_check_new_order"),),
    guarded_by="the program's own look at the fence",
)
NO_FENCE = replace(
    together(
        "no_fence", "an intent is recorded under any fence", FENCE_IN_PROGRAM, FENCE_IN_DATABASE
    ),
    guarded_by="the age of the decision, since a lease lasts four times as long",
)
NO_LEASE = Mutant(
    name="lease_is_for_everybody",
    breaks="a run takes an account that another one holds",
    changes=(wrapped(Opening, "_lock_lease", _never_in),),
    guarded_by="the fence, which moves on with each holder",
)
NO_ONE_LIVE_INDEX = Mutant(
    name="no_index_of_live_exits",
    breaks="the database takes two live exits of one position",
    changes=(index_dropped("orders_one_live_exit_per_position"),),
    guarded_by="the lease with its fence, and the last gate",
)
NO_LOOK_AT_LIVE = Mutant(
    name="live_exits_not_looked_for",
    breaks="the last gate does not ask for another live exit of the position",
    changes=_open_gate(DenialCode.DUPLICATE_EXIT),
    guarded_by="the lease with its fence, and the unique index",
)
NO_BOUND_OF_FREE = Mutant(
    name="more_than_is_free",
    breaks="the last gate lets more contracts through than the position has free",
    changes=_open_gate(DenialCode.OVER_EXIT),
    guarded_by="the CHECK of the positions table",
)
NO_CHECK_OF_SUMS = Mutant(
    name="no_check_of_sums",
    breaks="the database lets a position reserve and exit more than it has",
    changes=(check_dropped("refactored_positions", "refactored_positions_never_over_exited"),),
    guarded_by="the last gate",
)
NO_ROW_LOCKS = Mutant(
    name="no_row_locks",
    breaks="positions and orders are read without FOR UPDATE before they are written",
    changes=tuple(
        wrapped(module, "run", _without_lock) for module in (closing, fills, intents, orders)
    ),
    guarded_by="the lease with its fence, the unique index and the CHECKs",
)
HALT_AT_INTENT = Mutant(
    name="halts_ignored_at_the_intent",
    breaks="the last gate does not look at the switch",
    changes=_open_gate(DenialCode.TRADING_HALTED),
    guarded_by="the look at the switch right before sending",
)
HALT_AT_SENDING = Mutant(
    name="halts_ignored_at_sending",
    breaks="nobody looks at the switch right before sending",
    changes=(value(intents, "trading_state", lambda *_args: TradingState.ACTIVE),),
)
DRY_RUN_EXECUTES = Mutant(
    name="dry_run_executes",
    breaks="a dry run executes what it has decided",
    changes=(wrapped(engine, "execute_tick", _sends_all_the_same),),
    guarded_by="a dry run holds no lease, without which nothing is sent",
)
DRY_RUN_HOLDS = Mutant(
    name="dry_run_holds_the_account",
    breaks="a dry run takes the account's lease",
    changes=(wrapped(Opening, "_begin", _with_lease),),
)
BROKER_WITHOUT_GUARD = Mutant(
    name="broker_without_guard",
    breaks="the broker itself lets more be closed than is held",
    changes=(
        wrapped(AlpacaVenue, "__init__", _without_guard),
        wrapped(TradierVenue, "__init__", _without_guard),
    ),
    brokers=HTTP,
)
OFF_GRID = Mutant(
    name="prices_off_the_grid",
    breaks="a limit is not rounded to a legal tick",
    changes=(wrapped(attempts, "price_order", _off_the_grid),),
    guarded_by="the last gate",
)
GRID_NOT_CHECKED = Mutant(
    name="grid_not_checked",
    breaks="the last gate does not look at the tick grid",
    changes=_open_gate(DenialCode.OFF_TICK),
    guarded_by="the rounding of the limit",
)
COMES_LATE = Mutant(
    name="late_ticks_decide",
    breaks="a tick that is late decides all the same",
    changes=(value(open_tick, "_why_late", lambda *_args: ""),),
)
STALE_DECISIONS = Mutant(
    name="old_decisions_are_sent",
    breaks="the last gate does not ask how old a decision is",
    changes=_open_gate(DenialCode.STALE_DECISION),
    guarded_by="the look at its age right before sending",
)
AGE_AT_SENDING = Mutant(
    name="age_not_asked_at_sending",
    breaks="nobody asks right before sending how old a decision is",
    changes=(value(send_order, "DECISION_GOOD_FOR", timedelta(days=1)),),
    guarded_by="the last gate, and the fence of the lease",
)
CLOSED_AT_GATE = Mutant(
    name="session_not_checked",
    breaks="the last gate does not ask whether the exchange is open",
    changes=_open_gate(DenialCode.OUTSIDE_SESSION),
    guarded_by="the age of the decision",
)

ALONE = (
    FENCE_IN_PROGRAM,
    FENCE_IN_DATABASE,
    NO_LEASE,
    NO_ONE_LIVE_INDEX,
    NO_LOOK_AT_LIVE,
    NO_BOUND_OF_FREE,
    NO_CHECK_OF_SUMS,
    NO_ROW_LOCKS,
    HALT_AT_INTENT,
    HALT_AT_SENDING,
    DRY_RUN_EXECUTES,
    DRY_RUN_HOLDS,
    OFF_GRID,
    GRID_NOT_CHECKED,
    COMES_LATE,
    STALE_DECISIONS,
    AGE_AT_SENDING,
    CLOSED_AT_GATE,
)
HOWEVER_OLD = together(
    "however_old", "nobody asks how old a decision is", STALE_DECISIONS, AGE_AT_SENDING
)
PAIRS = (
    NO_FENCE,
    HOWEVER_OLD,
    together(
        "no_fence_and_no_age",
        "an intent is recorded under any fence, however old its decision is",
        NO_FENCE,
        HOWEVER_OLD,
    ),
    together(
        "two_engines_at_once",
        "two runs work one account, and neither gate nor database counts its live exits",
        NO_FENCE,
        NO_LEASE,
        NO_ONE_LIVE_INDEX,
        NO_LOOK_AT_LIVE,
        NO_BOUND_OF_FREE,
        NO_CHECK_OF_SUMS,
        NO_ROW_LOCKS,
    ),
    together(
        "halts_ignored",
        "an order is sent whatever the switch says",
        HALT_AT_INTENT,
        HALT_AT_SENDING,
    ),
    together("dry_run_sends", "a dry run sends orders", DRY_RUN_EXECUTES, DRY_RUN_HOLDS),
    together(
        "nobody_guards_what_is_held",
        "neither we nor the broker ask what is held before it is sold",
        NO_STOCK_BOUND,
        BROKER_WITHOUT_GUARD,
    ),
    together("off_the_grid", "orders leave off the tick grid", OFF_GRID, GRID_NOT_CHECKED),
    together(
        "old_and_closed",
        "neither the age of a decision nor the session is asked for",
        HOWEVER_OLD,
        CLOSED_AT_GATE,
    ),
)
MUTANTS = (*ALONE, *PAIRS)
