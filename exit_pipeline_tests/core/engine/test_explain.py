"""The trace of decisions, and the sentences that are stored with them."""

import numpy as np
import pytest

from exit_pipeline.core.engine.explain import (
    FLAG_WORDS,
    NO_DISTANCE,
    RuleState,
    describe_flags,
    nearest_first,
)
from exit_pipeline.core.model.quote import QuoteFlag
from exit_pipeline_tests.builders import a_book, decide_one, decided


@pytest.mark.parametrize(
    ("columns", "first"),
    [
        pytest.param({"mark": "3.00"},
                     "PROFIT_TARGET closes all: P&L +50.0 % against a target of +50.0 %.",
                     id="an exit in full"),
        pytest.param({"mark": "3.20", "quantity": 10},
                     "PROFIT_TARGET closes 5 of 10: P&L +60.0 % against a target of +50.0 %.",
                     id="an exit in part"),
        pytest.param({"mark": "2.80"},
                     "Nothing is due. Nearest is PROFIT_TARGET: P&L +40.0 % against a target of "
                     "+50.0 %.", id="a hold, near its target"),
        pytest.param({"mark": "1.50"},
                     "Nothing is due. Nearest is STOP_LOSS: P&L -25.0 % against a stop of -30.0 %.",
                     id="a hold, near its stop"),
    ],
)  # fmt: skip
def test_the_first_sentence_tells_what_decided_or_what_is_nearest(columns, first):
    assert decide_one(**columns).sentences[0] == first


def test_what_else_is_due_is_told():
    one = decide_one(mark="1.00", intraday=True, decided_at="15:30")
    assert one.sentences[1] == "Also due: TIME_EXIT."


def test_a_doubtful_quote_is_told_with_its_flags():
    one = decide_one(bid="1.00", ask="3.00", bid_size=0)
    assert "The quote is DEGRADED: bid and ask far apart, a side without size." in one.sentences


def test_what_could_not_be_judged_is_told_with_its_ground():
    blind = decide_one(bid=None).sentences[-1]
    assert blind.startswith("Not judged: ")
    for rule in ("PROFIT_TARGET", "STOP_LOSS"):
        assert f"{rule} (the quote gives no price to judge)" in blind
    assert "GEX_FLIP (no gamma signal)" in blind


def test_every_rule_of_the_policy_has_a_line_with_its_state():
    lines = decide_one(mark="3.20", quantity=10, intraday=True, decided_at="15:30").lines
    assert {reason: line.state for reason, line in lines.items()} == {
        "FORCE_CLOSE": RuleState.NOT_FIRED,
        "EXPIRY": RuleState.NOT_FIRED,
        "PROFIT_TARGET": RuleState.OVERRULED,
        "STOP_LOSS": RuleState.NOT_FIRED,
        "GEX_FLIP": RuleState.NOT_EVALUABLE,
        "TIME_EXIT": RuleState.DECIDED,
    }


def test_rows_are_explained_under_their_own_policies():
    book = a_book({"mark": "1.50"}, {"mark": "1.50", "policy": 1}, {"mark": "1.50"})
    got = decided(book, "default", "stop_loss.percent=25, gex_flip=off")
    assert [one.lines["STOP_LOSS"].threshold for one in got] == [-30, -25, -30]
    assert ["GEX_FLIP" in one.lines for one in got] == [True, False, True]
    assert [one.lines["STOP_LOSS"].state for one in got] == [
        RuleState.NOT_FIRED,
        RuleState.DECIDED,
        RuleState.NOT_FIRED,
    ]


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({}, id="hold"),
        pytest.param({"mark": "3.00"}, id="profit"),
        pytest.param({"mark": "1.40"}, id="stop"),
        pytest.param({"bid": "0.80", "ask": "2.00", "previous_mid": "1.00"}, id="confirmed stop"),
        pytest.param({"decided_at": "15:30", "intraday": True}, id="time exit"),
        pytest.param({"decided_at": "15:30", "last_trading_close": "16:00"}, id="expiry"),
        pytest.param({"force_close": True}, id="force close"),
        pytest.param({"gex_latched": True}, id="latched flip"),
    ],
)
def test_the_trace_agrees_with_the_decision(columns):
    for line in decide_one(**columns).lines.values():
        fired = line.state in {RuleState.DECIDED, RuleState.OVERRULED}
        assert (line.progress == 1 and line.distance == 0) is fired
        assert np.isnan(line.progress) or 0 <= line.progress <= 1
        assert not line.distance < 0


def test_every_flag_has_words():
    assert set(FLAG_WORDS) == set(QuoteFlag)
    assert describe_flags(QuoteFlag.WIDE | QuoteFlag.STALE_QUOTE) == (
        "an old quote, bid and ask far apart"
    )
    assert describe_flags(0) == ""


def test_the_nearest_rule_comes_first_after_what_fired_and_the_unknown_comes_last():
    lines = decide_one(mark="3.20", quantity=10, intraday=True, decided_at="15:30").lines
    assert [line.reason for line in nearest_first(lines.values())][:2] == [
        "TIME_EXIT", "PROFIT_TARGET",
    ]  # fmt: skip
    assert nearest_first(lines.values())[-1].state is RuleState.NOT_EVALUABLE
    near = decide_one(mark="1.50").lines
    assert nearest_first(near.values())[0].reason == "STOP_LOSS"


@pytest.mark.parametrize(
    ("columns", "reason", "said", "is_due"),
    [
        ({"mark": "2.80"}, "PROFIT_TARGET", "10.0 %", False),
        ({"mark": "3.00"}, "PROFIT_TARGET", "due", True),
        ({"mark": "3.20", "intraday": True, "decided_at": "15:30"}, "PROFIT_TARGET", "due", True),
        ({"bid": None}, "PROFIT_TARGET", NO_DISTANCE, False),
        ({"mark": "2.80"}, "EXPIRY", "30 days", False),
        ({"mark": "2.80"}, "FORCE_CLOSE", NO_DISTANCE, False),
    ],
    ids=["on its way", "decided", "overruled", "not judged", "in time", "by an event only"],
)
def test_a_distance_is_said_as_a_person_says_it(columns, reason, said, is_due):
    line = decide_one(**columns).lines[reason]
    assert (line.distance_said, line.is_due) == (said, is_due)
