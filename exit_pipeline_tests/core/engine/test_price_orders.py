"""Limits and worst prices of closing orders."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.engine.ladders import Ladder, Reach, usual_reach
from exit_pipeline.core.engine.price_orders import (
    OrderPrice,
    PriceLimits,
    hold_within,
    price_order,
    tick_size,
)
from exit_pipeline.core.model.decision import Urgency
from exit_pipeline.core.model.order import OrderSide

SELL, BUY = OrderSide.SELL_TO_CLOSE, OrderSide.BUY_TO_CLOSE
PATIENT, NORMAL, FAST, EMERGENCY = Urgency
CENTS = st.integers(0, 20_000).map(lambda cents: Decimal(cents) / 100)


def priced(side, bid, ask, urgency=NORMAL, root="GOOG", **limits):
    reach = usual_reach(urgency)
    price = price_order(side, root, Decimal(bid), Decimal(ask), reach, PriceLimits(**limits))
    return price and (str(price.limit), str(price.worst))


@pytest.mark.parametrize(
    ("root", "price", "tick"),
    [
        ("GOOG", "2.95", "0.05"), ("GOOG", "2.99", "0.05"), ("GOOG", "3.00", "0.10"),
        ("GOOG", "30", "0.10"), ("SPY", "2.00", "0.01"), ("QQQ", "30", "0.01"),
        ("IWM", "0.01", "0.01"), ("SPX", "2.95", "0.05"),
    ],
)  # fmt: skip
def test_the_tick_is_legal_for_every_series_of_the_root(root, price, tick):
    assert tick_size(root, Decimal(price)) == Decimal(tick)


@pytest.mark.parametrize(
    ("side", "urgency", "limit", "worst"),
    [
        pytest.param(SELL, PATIENT, "1.95", "1.70", id="sell patiently"),
        pytest.param(SELL, NORMAL, "1.90", "1.70", id="sell at the bid"),
        pytest.param(SELL, FAST, "1.80", "1.70", id="sell fast"),
        pytest.param(SELL, EMERGENCY, "1.70", "1.70", id="sell at once"),
        pytest.param(BUY, PATIENT, "2.05", "2.30", id="buy patiently"),
        pytest.param(BUY, NORMAL, "2.10", "2.30", id="buy at the ask"),
        pytest.param(BUY, FAST, "2.20", "2.30", id="buy fast"),
        pytest.param(BUY, EMERGENCY, "2.30", "2.30", id="buy at once"),
    ],
)
def test_urgency_decides_how_far_an_order_leans(side, urgency, limit, worst):
    assert priced(side, "1.90", "2.10", urgency) == (limit, worst)


@pytest.mark.parametrize(
    ("side", "bid", "ask", "urgency", "limit", "worst"),
    [
        pytest.param(SELL, "0.05", "0.10", EMERGENCY, "0.05", "0.05", id="never below one tick"),
        pytest.param(SELL, "0.03", "0.05", EMERGENCY, "0.03", "0.03", id="but at a lower bid"),
        pytest.param(SELL, "0.03", "0.04", PATIENT, "0.03", "0.03", id="patiently at it too"),
        pytest.param(SELL, "1.93", "1.97", NORMAL, "1.93", "1.70", id="the bid itself is legal"),
        pytest.param(SELL, "1.93", "1.97", PATIENT, "1.93", "1.70", id="never below the bid"),
        pytest.param(BUY, "1.93", "1.97", PATIENT, "1.97", "2.20", id="never above the ask"),
        pytest.param(BUY, "2.85", "2.95", EMERGENCY, "3.30", "3.30",
                     id="a purchase that crosses three dollars is on the wider tick"),
        pytest.param(SELL, "3.00", "3.10", EMERGENCY, "2.65", "2.65",
                     id="a sale that crosses three dollars may use the finer tick"),
        pytest.param(BUY, "0", "0.05", NORMAL, "0.05", "0.15", id="buying back the worthless"),
        pytest.param(SELL, "0.20", "0.30", FAST, "0.15", "0.10",
                     id="a collar of at least two ticks"),
    ],
)  # fmt: skip
def test_limits_lie_on_the_legal_tick(side, bid, ask, urgency, limit, worst):
    assert priced(side, bid, ask, urgency) == (limit, worst)


@pytest.mark.parametrize(
    ("side", "bid", "ask"), [(SELL, "0", "0.10"), (SELL, "-1", "0.10"), (BUY, "0", "0")]
)
def test_without_a_price_to_close_at_there_is_no_order(side, bid, ask):
    assert priced(side, bid, ask) is None


@pytest.mark.parametrize(
    ("side", "level", "limit"),
    [
        (SELL, 3, "1.70"), (SELL, 4, "1.40"), (SELL, 5, "0.90"), (SELL, 6, "0.90"),
        (BUY, 3, "2.30"), (BUY, 4, "2.60"), (BUY, 5, "3.10"), (BUY, 9, "3.10"),
    ],
)  # fmt: skip
def test_above_an_emergency_the_collar_widens_twice_and_no_further(side, level, limit):
    """10, 25 and 50 % of the mid of 2.00, beyond a bid of 1.90 or an ask of 2.10."""
    assert priced(side, "1.90", "2.10", level) == (limit, limit)


def test_the_widest_collar_never_gives_a_contract_away():
    assert priced(SELL, "0.05", "0.10", 9) == ("0.05", "0.05")


def test_the_collar_is_a_setting():
    assert priced(SELL, "10.00", "10.20", EMERGENCY, "SPY", collar_percent=5) == ("9.49", "9.49")
    narrow = priced(SELL, "10.00", "10.20", EMERGENCY, "SPY", collar_percent=0, collar_ticks=3)
    assert narrow == ("9.97", "9.97")


@given(bid=CENTS, ask=CENTS, level=st.integers(0, 7), root=st.sampled_from(["SPY", "X"]))
def test_a_sale_never_asks_more_or_goes_lower_than_it_may(bid, ask, level, root):
    price = price_order(SELL, root, bid, max(bid, ask), usual_reach(level), PriceLimits())
    if price is None:
        assert bid == 0
        return
    assert 0 < price.worst <= price.limit <= max(bid, ask)
    assert level == PATIENT or price.limit <= bid


@given(bid=CENTS, ask=CENTS, level=st.integers(0, 7), root=st.sampled_from(["SPY", "X"]))
def test_a_purchase_mirrors_that_and_is_on_a_legal_tick(bid, ask, level, root):
    bid = min(bid, ask)
    price = price_order(BUY, root, bid, ask, usual_reach(level), PriceLimits())
    if price is None:
        assert ask == 0
        return
    assert bid <= price.limit <= price.worst
    assert level == PATIENT or price.limit >= ask
    for one in {price.limit, price.worst} - {ask}:
        assert one % tick_size(root, one) == 0


@given(bid=CENTS, ask=CENTS, side=st.sampled_from([SELL, BUY]))
def test_a_higher_level_never_leans_less(bid, ask, side):
    limits = [
        price.limit
        for level in range(8)
        if (price := price_order(side, "X", min(bid, ask), ask, usual_reach(level), PriceLimits()))
    ]
    assert limits == sorted(limits, reverse=side is SELL)


PERCENTS = st.floats(0, 600).map(lambda percent: round(percent, 1))
LADDERS = st.tuples(PERCENTS, PERCENTS, st.integers(1, 20)).map(
    lambda one: Ladder(start_percent=min(one[:2]), worst_percent=max(one[:2]), steps=one[2])
)
ROOTS = st.sampled_from(["SPY", "X"])
QUOTES = st.tuples(CENTS, CENTS).map(sorted).filter(lambda quote: quote[0] > 0)


def climbed(side, root, quote, ladder):
    """The prices of a ladder from its first attempt to one beyond its last."""
    found = (
        price_order(side, root, *quote, ladder.reach(step), PriceLimits())
        for step in range(ladder.steps + 2)
    )
    return [price for price in found if price]


@given(quote=QUOTES, ladder=LADDERS, side=st.sampled_from([SELL, BUY]), root=ROOTS)
def test_a_ladder_only_goes_towards_the_market_and_never_beyond_its_worst(
    quote, ladder, side, root
):
    prices = climbed(side, root, quote, ladder)
    limits = [price.limit for price in prices]
    assert limits == sorted(limits, reverse=side is SELL)
    last = prices[-1]
    for price in prices:
        assert price.limit > 0
        assert price.limit >= last.worst if side is SELL else price.limit <= last.worst


@given(quote=QUOTES, ladder=LADDERS, side=st.sampled_from([SELL, BUY]), root=ROOTS)
def test_each_limit_of_a_ladder_is_legal_the_tick_or_the_far_side_as_quoted(
    quote, ladder, side, root
):
    far = quote[0] if side is SELL else quote[1]
    for price in climbed(side, root, quote, ladder):
        assert price.limit == far or price.limit % tick_size(root, price.limit) == 0


@given(ladder=LADDERS, mid=st.integers(400, 10_000), half=st.integers(1, 10),
       percent=st.integers(0, 20))  # fmt: skip
def test_the_ladder_of_a_short_is_the_mirror_image_of_a_longs(ladder, mid, half, percent):
    """About the mid, as far as prices stay on one grid and above zero."""
    bid, ask = Decimal(mid - half) / 100, Decimal(mid + half) / 100
    limits = PriceLimits(collar_percent=percent / 10, collar_ticks=0)
    for step in range(ladder.steps + 1):
        reach = ladder.reach(step)
        sold = price_order(SELL, "SPY", bid, ask, reach, limits)
        bought = price_order(BUY, "SPY", bid, ask, reach, limits)
        assert sold.limit + bought.limit == bid + ask
        assert sold.worst + bought.worst == bid + ask


@pytest.mark.parametrize(
    ("side", "step", "limit"),
    [
        (SELL, 0, "2.00"), (SELL, 1, "1.95"), (SELL, 2, "1.90"), (SELL, 3, "1.80"),
        (SELL, 4, "1.70"), (SELL, 9, "1.70"),
        (BUY, 0, "2.00"), (BUY, 1, "2.05"), (BUY, 2, "2.10"), (BUY, 4, "2.30"),
    ],
)  # fmt: skip
def test_a_ladder_of_four_steps_goes_from_the_mid_over_the_far_side_to_the_collar(
    side, step, limit
):
    ladder = Ladder(start_percent=0, worst_percent=200, steps=4)
    reach = ladder.reach(step)
    price = price_order(side, "GOOG", Decimal("1.90"), Decimal("2.10"), reach, PriceLimits())
    assert str(price.limit) == limit
    assert str(price.worst) == ("1.70" if side is SELL else "2.30")


@pytest.mark.parametrize(
    ("side", "limit", "worst", "bound", "expected"),
    [
        pytest.param(SELL, "1.80", "1.70", "1.70", ("1.80", "1.70"), id="within it"),
        pytest.param(SELL, "1.80", "1.60", "1.70", ("1.80", "1.70"), id="it may go less far"),
        pytest.param(SELL, "1.40", "1.30", "1.70", ("1.70", "1.70"), id="the market fell away"),
        pytest.param(SELL, "0.01", "0.01", "0.03", ("0.05", "0.03"), id="a worst off the tick"),
        pytest.param(BUY, "2.60", "2.70", "2.30", ("2.30", "2.30"), id="the market rose away"),
        pytest.param(BUY, "2.20", "2.70", "2.30", ("2.20", "2.30"), id="a purchase within it"),
        pytest.param(BUY, "3.20", "3.30", "2.97", ("2.95", "2.97"), id="and one off the tick"),
    ],
)
def test_a_price_is_held_within_a_worst_of_before(side, limit, worst, bound, expected):
    price = OrderPrice(limit=Decimal(limit), worst=Decimal(worst))
    held = hold_within(price, Decimal(bound), side, "GOOG")
    assert (str(held.limit), str(held.worst)) == expected


@given(first=QUOTES, later=QUOTES, ladder=LADDERS, side=st.sampled_from([SELL, BUY]), root=ROOTS)
def test_however_the_market_moves_a_held_price_is_legal_and_within_the_bound(
    first, later, ladder, side, root
):
    bound = climbed(side, root, first, ladder)[-1].worst
    for price in climbed(side, root, later, ladder):
        held = hold_within(price, bound, side, root)
        assert (held.limit >= bound) if side is SELL else (held.limit <= bound)
        assert held.limit == price.limit or held.limit % tick_size(root, held.limit) == 0
        assert (held.worst <= held.limit) if side is SELL else (held.worst >= held.limit)


def test_a_worthless_long_has_no_ladder_and_a_worthless_short_is_bought_at_the_ask():
    nothing, ask = Decimal(0), Decimal("0.05")
    far = Reach(Decimal(100), Decimal(100))
    assert price_order(SELL, "GOOG", nothing, ask, far, PriceLimits()) is None
    assert price_order(BUY, "GOOG", nothing, ask, far, PriceLimits()).limit == ask
