"""Policies, what makes two of them equal, and their hashes."""

from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.engine.policy import rule_classes
from exit_pipeline.core.engine.policy_text import combine_policies
from exit_pipeline.policies import parse_policy, shipped_policies

ORDER = ("FORCE_CLOSE", "EXPIRY", "PROFIT_TARGET", "STOP_LOSS", "GEX_FLIP", "TIME_EXIT")
OVERRIDES = st.lists(
    st.sampled_from([
        "stop_loss.percent=30", "stop_loss.percent=25", "stop_loss.percent=25.0",
        "profit_target.percent=50", "profit_target.percent=33.33", "gex_flip=off", "expiry=off",
        "gex_flip.strength_min=0.5", "time_exit.applies_to=all", "time_exit.applies_to=intraday",
        "time_exit.minutes_before_close=45", "quotes.wide_percent=20", "prices.collar_ticks=3",
        "quotes.age_seconds_max=1e-3", "quotes.age_seconds_max=120",
    ]),
    max_size=6,
).map(", ".join)  # fmt: skip


def thresholds(policy):
    return [rule.model_dump() for rule in policy.rules], policy.quotes, policy.prices


def test_the_default_order_is_that_of_the_system_users_come_from():
    assert parse_policy().reasons == ORDER


@given(one=OVERRIDES, other=OVERRIDES)
def test_hashes_are_equal_exactly_where_thresholds_are(one, other):
    first, second = parse_policy(one), parse_policy(other)
    same = thresholds(first) == thresholds(second)
    assert (first.hash == second.hash) is same
    assert (first.canonical_json() == second.canonical_json()) is same
    assert (first == second) is same


def test_a_hash_is_the_same_in_every_process():
    assert parse_policy().hash == parse_policy.__wrapped__("default").hash
    assert len(parse_policy().hash) == 64


def test_where_a_value_comes_from_is_no_part_of_the_policy():
    by_the_position, by_the_launch = (
        combine_policies({origin: "stop_loss.percent=25"}, shipped_policies())
        for origin in ("position", "launch")
    )
    assert by_the_position.origins != by_the_launch.origins
    assert by_the_position == by_the_launch
    assert len({by_the_position, by_the_launch}) == 1
    assert by_the_position.hash == by_the_launch.hash
    assert "origins" not in by_the_position.canonical_json()


def test_a_policy_is_equal_to_nothing_else():
    assert parse_policy() != parse_policy().name


def test_rules_are_found_by_listing_their_package():
    assert [rule.upper() for rule in rule_classes() if rule.upper() in ORDER] == list(ORDER)
