"""The last gate: what it lets through, what it denies, what it defers, and what halts trading."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from exit_pipeline.core.engine.check_orders import Moment, OrderLimits, check_order
from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.exit_order import DenialCode, OrderFacts, OrderIntent
from exit_pipeline.core.model.order import OrderRequest, OrderSide
from exit_pipeline.core.model.session import Session

NOW = datetime(2026, 3, 17, 15, 0, tzinfo=UTC)
OPENS, CLOSES = NOW - timedelta(hours=1, minutes=30), NOW + timedelta(hours=5)
SECOND = timedelta(seconds=1)
SELL, BUY = OrderSide.SELL_TO_CLOSE, OrderSide.BUY_TO_CLOSE

REQUEST = OrderRequest(
    client_order_id="em-paper-0-1",
    account="desk",
    symbol="ACME260417C00100000",
    side=SELL,
    quantity=2,
    limit_price=Decimal("1.90"),
)
INTENT = OrderIntent(
    request=REQUEST,
    position_id="a",
    run_id="run",
    decision_id="decision",
    decided_at=NOW - 5 * SECOND,
    exit_action="FULL",
    exit_reason="STOP_LOSS",
    urgency="FAST",
    attempt=1,
    broker="paper",
    environment="paper",
    worst_price=Decimal("1.70"),
    intent_at=NOW,
    day_began_at=OPENS,
    fence=1,
)
FACTS = OrderFacts(
    state=TradingState.ACTIVE,
    broker="paper",
    environment="paper",
    account="desk",
    symbol="ACME260417C00100000",
    is_long=True,
    is_managed=True,
    is_spread_leg=False,
    free_quantity=2,
    has_live_order=False,
    orders_today=0,
    same_order_at=None,
    tick_orders=0,
    tick_notional=Decimal(0),
)
MOMENT = Moment(
    at=NOW,
    session=Session(day=NOW.date(), opens_at=OPENS, closes_at=CLOSES),
    worst_price=Decimal("1.70"),
    far_side=Decimal("1.90"),
)
REQUEST_FIELDS = {"account", "symbol", "side", "quantity", "limit_price"}


def judged(intent=None, facts=None, moment=None, **limits):
    changes = dict(intent or {})
    request = {name: changes.pop(name) for name in REQUEST_FIELDS & changes.keys()}
    return check_order(
        replace(INTENT, request=replace(REQUEST, **request), **changes),
        replace(FACTS, **facts or {}),
        OrderLimits(**limits),
        replace(MOMENT, **moment or {}),
    )


def test_an_order_that_is_as_it_should_be_passes():
    assert judged() is None


def case(code, intent=None, facts=None, moment=None, *, halts=False, defers=False, name, **limits):
    values = (code, (intent or {}, facts or {}, moment or {}), limits, halts, defers)
    return pytest.param(*values, id=name)


CASES = [
    case("WRONG_PLACE", {"broker": "alpaca"}, name="another broker", halts=True),
    case("WRONG_PLACE", {"environment": "live"}, name="another environment", halts=True),
    case("WRONG_PLACE", {"account": "other"}, name="another account", halts=True),
    case("WRONG_PLACE", {"symbol": "ACME260417P00100000"}, name="another contract", halts=True),
    case("WRONG_PLACE", facts={"broker": None}, name="a position of no broker", halts=True),
    case("WRONG_SIDE", {"side": BUY}, name="buying what is held", halts=True),
    case("WRONG_SIDE", facts={"is_long": False}, name="selling what is sold", halts=True),
    case("NOT_MANAGED", facts={"is_managed": False}, name="imported and not adopted"),
    case("SPREAD_LEG", facts={"is_spread_leg": True}, name="a leg of a spread"),
    case("DUPLICATE_EXIT", facts={"has_live_order": True}, name="a second exit", halts=True),
    case("OVER_EXIT", {"quantity": 3}, name="more than is free", halts=True),
    case("OVER_EXIT", facts={"free_quantity": 0}, name="nothing is free", halts=True),
    case("OVER_EXIT", {"quantity": 0}, name="no contract at all", halts=True),
    case("OVER_EXIT", {"quantity": -2}, name="a negative number", halts=True),
    *(case("TRADING_HALTED", facts={"state": state}, name=f"trading is in {state}")
      for state in TradingState if state is not TradingState.ACTIVE),
    case("OUTSIDE_SESSION", moment={"session": None}, name="a day without a session"),
    case("OUTSIDE_SESSION", moment={"at": OPENS - SECOND}, name="before the open"),
    case("OUTSIDE_SESSION", moment={"at": CLOSES}, name="at the close"),
    case(
        # Regression: it may be written for 5 seconds more, and would wait for the next day's open.
        "OUTSIDE_SESSION",
        moment={"at": CLOSES - 5 * SECOND},
        name="so shortly before the close that it may be written after it",
    ),
    case("STALE_DECISION", {"decided_at": NOW - 61 * SECOND}, name="61 seconds old", defers=True),
    case("PRICE_COLLAR", moment={"worst_price": Decimal("1.95")}, name="a sale below the worst"),
    case("PRICE_COLLAR", {"side": BUY}, {"is_long": False}, {"worst_price": Decimal("1.85")},
         name="a purchase above the worst"),
    case("PRICE_COLLAR", {"limit_price": Decimal(0)}, moment={"worst_price": Decimal(0)},
         name="for nothing"),
    case("OFF_TICK", {"limit_price": Decimal("1.87")}, name="between two ticks"),
    case("OFF_TICK", {"limit_price": Decimal("3.05")}, name="the finer grid above three dollars"),
    case("TOO_MANY_CONTRACTS", contracts_per_order=1, name="more than one order may have"),
    case("TOO_MANY_ORDERS_TODAY", facts={"orders_today": 10}, name="ten exits today"),
    case("SAME_ORDER_TOO_SOON", facts={"same_order_at": NOW - 59 * SECOND}, name="59 seconds ago"),
    case("TICK_FULL", facts={"tick_orders": 500}, name="as many as a tick may", defers=True),
    case("TICK_FULL", facts={"tick_orders": 1, "tick_notional": Decimal(4_999_621)},
         name="worth more than a tick may", defers=True),
]  # fmt: skip


@pytest.mark.parametrize(("code", "changes", "limits", "halts", "defers"), CASES)
def test_what_must_not_be_sent_is_denied_by_its_code(code, changes, limits, halts, defers):
    denial = judged(*changes, **limits)
    assert denial.code == code
    assert (denial.halts, denial.defers) == (halts, defers)
    assert denial.reason


def test_every_code_has_a_case():
    assert {case.values[0] for case in CASES} == set(DenialCode)


@pytest.mark.parametrize(
    ("intent", "facts", "moment", "limits"),
    [
        pytest.param({}, {"free_quantity": 3}, {}, {}, id="more is free"),
        pytest.param({}, {}, {"at": OPENS}, {}, id="at the open"),
        pytest.param({"decided_at": CLOSES - 6 * SECOND}, {}, {"at": CLOSES - 6 * SECOND}, {},
                     id="just before the close, and written before it"),
        pytest.param({"decided_at": NOW - 60 * SECOND}, {}, {}, {}, id="60 seconds old"),
        pytest.param({"limit_price": Decimal("1.70")}, {}, {}, {}, id="at the worst price"),
        pytest.param({"limit_price": Decimal("1.93")}, {}, {"far_side": Decimal("1.93")}, {},
                     id="the quoted side itself, off the grid"),
        pytest.param({"limit_price": Decimal("0.03")}, {},
                     {"far_side": Decimal("0.03"), "worst_price": Decimal("0.03")}, {},
                     id="a bid below the least tick"),
        pytest.param({"side": BUY}, {"is_long": False}, {"worst_price": Decimal("1.90")}, {},
                     id="a purchase at its worst price"),
        pytest.param({}, {}, {}, {"contracts_per_order": 2}, id="as many as one order may have"),
        pytest.param({}, {"orders_today": 9}, {}, {}, id="nine exits today"),
        pytest.param({}, {"same_order_at": NOW - 60 * SECOND}, {}, {}, id="60 seconds ago"),
        pytest.param({}, {"tick_orders": 499}, {}, {}, id="one order is left in the tick"),
        pytest.param({}, {"tick_orders": 1, "tick_notional": Decimal(4_999_620)}, {}, {},
                     id="worth exactly what a tick may"),
        pytest.param({}, {}, {}, {"notional_per_tick": 100}, id="the first of a tick is never big"),
    ],
)  # fmt: skip
def test_what_is_just_within_a_limit_passes(intent, facts, moment, limits):
    assert judged(intent, facts, moment, **limits) is None


@pytest.mark.parametrize(
    "facts",
    [
        {"orders_today": 10},
        {"same_order_at": NOW},
        {"tick_orders": 500},
        {"tick_orders": 1, "tick_notional": Decimal(5_000_000)},
    ],
    ids=", ".join,
)
def test_an_order_that_takes_anothers_place_is_no_new_one(facts):
    assert judged(facts=facts) is not None
    assert judged({"replaces": "0001"}, facts) is None


@pytest.mark.parametrize(
    ("intent", "facts"),
    [({"quantity": 501}, {"free_quantity": 501}), ({"quantity": 3}, {})],
    ids=["too many", "more than is held"],
)
def test_an_order_that_takes_anothers_place_is_bounded_like_any_other(intent, facts):
    assert judged({"replaces": "0001"} | intent, facts) is not None


# Each breaks one thing more than the one before; the first broken thing is the one that is named.
LADDER = [
    ("WRONG_PLACE", {"account": "other"}, {}, {}),
    ("WRONG_SIDE", {"side": BUY}, {}, {}),
    ("DUPLICATE_EXIT", {}, {"has_live_order": True}, {}),
    ("OVER_EXIT", {}, {"free_quantity": 1}, {}),
    ("TRADING_HALTED", {}, {"state": TradingState.HALT_NEW}, {}),
    ("OUTSIDE_SESSION", {}, {}, {"session": None}),
    ("STALE_DECISION", {"decided_at": NOW - 90 * SECOND}, {}, {}),
    ("PRICE_COLLAR", {"limit_price": Decimal("1.66")}, {}, {}),
    ("OFF_TICK", {"limit_price": Decimal("1.87")}, {}, {}),
    ("TOO_MANY_CONTRACTS", {"quantity": 501}, {"free_quantity": 501}, {}),
    ("TOO_MANY_ORDERS_TODAY", {}, {"orders_today": 10}, {}),
    ("SAME_ORDER_TOO_SOON", {}, {"same_order_at": NOW}, {}),
    ("TICK_FULL", {}, {"tick_orders": 500}, {}),
]


@pytest.mark.parametrize("first", range(len(LADDER)), ids=[code for code, *_ in LADDER])
def test_of_many_faults_the_gravest_is_named(first):
    """What must never happen goes first, so that an anomaly is never hidden by a mere limit."""
    intent, facts, moment = {}, {}, {}
    for _, of_intent, of_facts, of_moment in reversed(LADDER[first:]):
        intent |= of_intent
        facts |= of_facts
        moment |= of_moment
    assert judged(intent, facts, moment).code == LADDER[first][0]


def test_a_denial_says_what_was_found_and_what_is_allowed():
    assert judged({"quantity": 3}).reason == "3 contracts are more than the 2 free ones"
    assert judged({"decided_at": NOW - 90 * SECOND}).reason == (
        "the decision is 90 seconds old, more than 60; the next tick decides anew"
    )
    assert judged({"account": "other"}).reason == (
        "the order is for paper / paper / other / ACME260417C00100000 and the position is in "
        "paper / paper / desk / ACME260417C00100000"
    )


@given(
    quantity=st.integers(-5, 20),
    free=st.integers(-5, 20),
    cents=st.integers(-50, 500),
    worst=st.integers(0, 500),
    kept=st.tuples(st.booleans(), st.sampled_from(TradingState)),
    age=st.integers(0, 300),
)
def test_nothing_passes_that_breaks_a_rule(quantity, free, cents, worst, kept, age):
    live, state = kept
    limit = Decimal(cents) / 100
    denial = judged(
        {"quantity": quantity, "limit_price": limit, "decided_at": NOW - age * SECOND},
        {"free_quantity": free, "has_live_order": live, "state": state},
        {"worst_price": Decimal(worst) / 100},
    )
    within = 0 < quantity <= free and not live
    priced = cents > 0 and cents >= worst and (not cents % (5 if cents < 300 else 10))
    passes = within and state is TradingState.ACTIVE and age <= 60 and (priced or cents == 190)
    if cents == 190 and worst > 190:
        passes = False
    assert (denial is None) is passes
    if not within:
        assert denial.halts


@pytest.mark.parametrize(
    "limits",
    [
        {"contracts_per_order": 0},
        {"orders_per_tick": 0},
        {"notional_per_tick": 0},
        {"same_order_seconds": -1},
        {"decision_seconds": 0},
        {"anything": 1},
    ],
    ids=lambda limits: next(iter(limits)),
)
def test_a_limit_that_makes_no_sense_is_refused(limits):
    with pytest.raises(ValidationError):
        OrderLimits(**limits)
