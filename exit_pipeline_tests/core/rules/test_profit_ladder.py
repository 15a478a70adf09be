"""PROFIT_TARGET with several rungs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.rules.profit_target import ProfitTarget, Rung
from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.builders import decide_one

LADDER = "profit_target.further_rungs=100:25|150:25"


@pytest.mark.parametrize(
    ("quantity", "exited", "mark", "closes"),
    [
        pytest.param(10, 0, "2.99", 0, id="below the first"),
        pytest.param(10, 0, "3.00", 5, id="the first"),
        pytest.param(10, 3, "3.00", 2, id="what a partial fill left of it"),
        pytest.param(10, 5, "3.50", 0, id="between the first and the second"),
        pytest.param(10, 5, "4.00", 2, id="the second"),
        pytest.param(10, 0, "4.00", 7, id="two at once"),
        pytest.param(10, 7, "5.00", 3, id="the last closes what is left"),
        pytest.param(10, 6, "4.00", 1, id="the second after one contract too many"),
        pytest.param(2, 1, "4.00", 0, id="of two contracts the second rung closes none"),
        pytest.param(2, 1, "5.00", 1, id="and the last the other one"),
        pytest.param(1, 0, "3.00", 1, id="a single contract leaves at the first"),
    ],
)
def test_each_rung_closes_up_to_its_cumulative_share(quantity, exited, mark, closes):
    one = decide_one(LADDER, quantity=quantity, profit_exited=exited, mark=mark)
    assert one.quantity == closes


@given(
    quantity=st.integers(1, 40),
    shares=st.lists(st.integers(1, 40), min_size=1, max_size=4).filter(lambda one: sum(one) <= 100),
    fills=st.lists(st.integers(0, 40), max_size=12),
)
def test_however_it_fills_no_more_than_the_shares_is_ever_closed(quantity, shares, fills):
    first, *more = shares
    rungs = "|".join(f"{100 + 50 * i}:{share}" for i, share in enumerate(more))
    policy = f"profit_target.close_share_percent={first}, profit_target.further_rungs={rungs}"
    exited = 0
    for filled in fills:
        one = decide_one(policy, quantity=quantity, profit_exited=exited, mark="40.00")
        exited += min(filled, one.quantity)
    assert exited <= max(quantity * sum(shares) // 100, 1)


def test_the_trace_tells_of_the_next_rung():
    line = decide_one(LADDER, quantity=10, profit_exited=5, mark="3.20").lines["PROFIT_TARGET"]
    assert (line.threshold, line.distance) == (100, pytest.approx(40))


def test_a_ladder_is_written_as_text_and_as_rungs():
    read = parse_policy("profit_target.further_rungs=100:25:50|150:25").rules[2]
    assert read == ProfitTarget(
        further_rungs=(
            Rung(percent=100, close_share_percent=25, stop_percent=50),
            Rung(percent=150, close_share_percent=25),
        )
    )


@pytest.mark.parametrize(
    ("rungs", "said"),
    [
        pytest.param("100:51", "these close 101 %", id="more than all"),
        pytest.param("50:25", "rungs whose profits rise", id="not above the one before"),
        pytest.param("100:25:100", "a stop of +100 % would fire at once", id="circular"),
        pytest.param(
            "100", "each of the parts PERCENT:CLOSE_SHARE_PERCENT:STOP_PERCENT", id="no share"
        ),
        pytest.param("100:x", "a valid number", id="no number"),
    ],
)
def test_a_ladder_that_can_not_be_is_one_sentence(rungs, said):
    with pytest.raises(InputError, match="profit_target") as caught:
        parse_policy(f"profit_target.further_rungs={rungs}")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
