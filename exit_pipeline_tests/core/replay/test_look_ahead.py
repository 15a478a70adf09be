"""No input of a decision bears a time later than the decision's."""

import numpy as np
import pytest

from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.model.book import KINDS, Kind
from exit_pipeline.core.replay.look_ahead import JUDGED, OF_THE_FUTURE, look_ahead
from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.builders import a_book


def told(policy="default", **columns):
    book, policies = a_book(**columns), [parse_policy(policy)]
    return set(look_ahead(book, decide(book, policies), policies))


def test_every_time_among_the_inputs_is_judged_or_of_the_future_by_its_nature():
    instants = {name for name, kind in KINDS.items() if kind is Kind.INSTANT}
    assert instants == {"decided_at", *JUDGED} | OF_THE_FUTURE
    assert set(JUDGED) == {"entry_time", "quoted_at", "feed_at", "gex_at", "vix_at"}


@pytest.mark.parametrize("name", sorted(OF_THE_FUTURE))
def test_what_is_announced_before_may_be_later(name):
    assert told(**{name: "2026-03-18 15:59"}) == set()


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"gex_at": "10:00"}, set()),
        ({"gex_at": "10:00:00.000001"}, {"gex_at"}),
        ({"entry_time": "10:00"}, set()),
        ({"entry_time": "10:00:00.000001"}, {"entry_time"}),
        ({"quoted_at": "10:00:05"}, set()),
        ({"feed_at": "10:00:05"}, set()),
        ({"feed_at": "10:00:05.000001"}, {"feed_at"}),
        ({"feed_at": "10:01", "underlying_price": None}, set()),
        ({"vix": 17.0, "vix_at": "10:00:05"}, set()),
        ({"vix": 17.0, "vix_at": "10:00:05.000001"}, {"vix_at"}),
        ({"vix": np.nan, "vix_at": "10:01"}, set()),
        ({"gex_at": "10:01", "feed_at": "10:01"}, {"gex_at", "feed_at"}),
        ({"gex_at": None, "vix_at": None, "quoted_at": None, "feed_at": None}, set()),
    ],
)
def test_what_the_database_keeps_may_not_be_later_and_a_source_s_clock_may_be_a_little(
    columns, said
):
    assert told(**columns) == said


@pytest.mark.parametrize(
    ("seconds", "at", "is_told"),
    [(5, "10:00:06", False), (60, "10:00:59", False), (0, "10:00:00.000001", False)],
)
def test_a_quote_is_either_within_the_policy_s_tolerance_or_refused(seconds, at, is_told):
    assert bool(told(f"quotes.future_seconds_max={seconds}", quoted_at=at)) is is_told


def test_a_quote_of_the_future_that_was_let_through_is_told():
    """Grading refuses such a quote; were that ever lost, the look ahead would be seen here."""
    book, policies = a_book(quoted_at="10:01"), [parse_policy()]
    decisions = decide(book, policies)
    decisions.flags[:] = 0
    assert set(look_ahead(book, decisions, policies)) == {"quoted_at"}


def test_each_row_is_judged_by_its_own_time_and_policy():
    book = a_book({"quoted_at": "10:00:04"}, {"quoted_at": "10:00:04", "policy": 1}, {})
    policies = [parse_policy(), parse_policy("quotes.future_seconds_max=1")]
    decisions = decide(book, policies)
    decisions.flags[:] = 0
    found = look_ahead(book, decisions, policies)
    assert found["quoted_at"].tolist() == [False, True, False]
