"""Policies followed along many paths at once, beside one path and one row at a time."""

from dataclasses import replace

import numpy as np
import pytest

from exit_pipeline.core.engine.policy import rule_classes
from exit_pipeline.core.replay import follow_policy as module
from exit_pipeline.core.replay.follow_policy import follow_own_policies, follow_policies
from exit_pipeline.core.replay.paths import Paths
from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.core.replay.naive import follow_path
from exit_pipeline_tests.core.replay.random_paths import random_paths

EVERY_RULE = ", ".join(f"{name}=on" for name in rule_classes())
LADDER = "profit_target.percent=10, profit_target.close_share_percent=25, "
POLICIES = {
    "default": "",
    "every rule": EVERY_RULE,
    "a ladder": LADDER + "profit_target.further_rungs=20:25|40:25|80:25, stop_loss.percent=60",
    "a ladder that raises stops": LADDER
    + "profit_target.stop_percent=-20, profit_target.further_rungs=25:25:0|50:25:20, stop_loss=off",
    "stops far away": "stop_loss.percent=95, profit_target.percent=400",
    "trailing": "trailing_stop.activation_percent=5, trailing_stop.distance_percent=8",
    "trailing on the entry": "trailing_stop.basis=entry, trailing_stop.activation_percent=0, "
    "trailing_stop.distance_percent=15, profit_target=off",
    "break-even": "break_even_stop.activation_percent=10, profit_target.percent=90",
    "a flip": "gex_flip=on, stop_loss=off, profit_target=off",
    "a flip to be confirmed": "gex_flip.required_hits=2, stop_loss.percent=95, profit_target=off",
    "no flip": "gex_flip=off, profit_target.percent=30",
    "confirmed": "stop_loss.required_hits=3, profit_target.required_hits=2, "
    "trailing_stop.required_hits=2, trailing_stop.activation_percent=5, gex_flip.required_hits=3",
    "confirmed ladder": LADDER + "profit_target.required_hits=2, stop_loss.required_hits=2, "
    "profit_target.further_rungs=20:25|40:25, vix_spike.required_hits=2",
    "scaled": "stop_loss.times_in_high_vol=0.5, stop_loss.times_below_zero_gamma=0.7, "
    "profit_target.times_in_backwardation=0.4, trailing_stop.times_in_low_vol=2",
    "strict quotes": "quotes.wide_percent=2, quotes.wide_dollars=0.01, quotes.age_seconds_max=0.5, "
    "trailing_stop=on",
    "lax quotes": "quotes.wide_percent=900, quotes.age_seconds_max=5000, "
    "quotes.usable_age_seconds_max=5000, quotes.future_seconds_max=60, "
    "quotes.worthless_ask_dollars=9",
    "a guard": "prices.guard_spread_percent=12.5, profit_target.percent=10, time_exit=off",
    "loud": "stop_loss.urgency=PATIENT, prices.guard_spread_percent=5",
    "only expiry": "force_close=off, profit_target=off, stop_loss=off, time_exit=off, gex_flip=off",
}  # fmt: skip

NOTHING_ELSE = "force_close=off, expiry=off, profit_target=off, stop_loss=off, time_exit=off, "
REMEMBERING = {
    "a flip": NOTHING_ELSE + "gex_flip.strength_min=0.3",
    "a flip to be confirmed": NOTHING_ELSE + "gex_flip.required_hits=2, gex_flip.strength_min=0.1",
    "a flip beside a ladder": "gex_flip.strength_min=0.9, profit_target.percent=1, expiry=off, "
    "profit_target.close_share_percent=20, profit_target.further_rungs=4:20|8:20|12:20, "
    "stop_loss=off",
    "counts along a ladder": "gex_flip=off, expiry=off, time_exit=off, stop_loss.percent=5, "
    "stop_loss.required_hits=3, profit_target.required_hits=2, profit_target.percent=1, "
    "profit_target.close_share_percent=20, profit_target.further_rungs=4:20|8:20|12:20",
    "a mid that confirms": "gex_flip=off, stop_loss.percent=10, quotes.wide_percent=2, "
    "quotes.wide_dollars=0, profit_target=off, expiry=off, time_exit=off",
}  # fmt: skip


def told(exits, path, paths):
    """The exits of a path as the other implementation tells them."""
    here = paths.path_of(exits.row) == path
    rows = zip(exits.row[here], exits.quantity[here], exits.reason[here], strict=True)
    return [(int(row), int(quantity), exits.reasons[reason]) for row, quantity, reason in rows]


def assert_as_ticks_do(paths, exits, policies, *, same_policy=False):
    ends = paths.ends
    for path, policy in enumerate(policies):
        wanted, left = follow_path(
            paths.book, int(paths.starts[path]), int(ends[path]), policy, same_policy=same_policy
        )
        assert told(exits, path, paths) == wanted
        assert exits.held[path] - sum(one[1] for one in wanted) == left


@pytest.mark.parametrize("name", POLICIES)
def test_every_exit_is_the_one_that_tick_after_tick_would_have_made(name):
    paths, policy = random_paths(40, seed=[*POLICIES].index(name)), parse_policy(POLICIES[name])
    (exits,) = follow_policies(paths, [policy])
    assert_as_ticks_do(paths, exits, [policy] * len(paths))


@pytest.fixture(params=[64, 2], ids=["long stretches", "short stretches"])
def _stretches(request, monkeypatch):
    """Paths here are shorter than a stretch after an exit is; of two rows they have several."""
    monkeypatch.setattr(module, "_AFTER_EXIT", request.param)


@pytest.mark.usefixtures("_stretches")
@pytest.mark.parametrize("name", REMEMBERING)
def test_what_is_remembered_outlives_rows_without_a_price_and_partial_exits(name):
    policy = parse_policy(REMEMBERING[name])
    paths = random_paths(250, seed=[*REMEMBERING].index(name), gaps=0.35)
    paths = replace(paths, hashes=(policy.hash,))
    (exits,) = follow_policies(paths, [policy])
    assert_as_ticks_do(paths, exits, [policy] * len(paths), same_policy=True)


def test_several_policies_in_small_blocks_are_each_as_if_alone():
    paths = random_paths(60, seed=7)
    policies = [parse_policy(text) for text in POLICIES.values()]
    together = follow_policies(paths, policies, block=50)
    for policy, got in zip(policies, together, strict=True):
        (alone,) = follow_policies(paths, [policy])
        for name in ("row", "quantity", "reason", "held", "worth"):
            np.testing.assert_array_equal(getattr(got, name), getattr(alone, name))


def test_paths_with_policies_of_their_own_leave_as_each_does_alone():
    paths = random_paths(60, seed=8)
    policies = [parse_policy(text) for text in POLICIES.values()]
    own = np.arange(60) * 7 % len(policies)
    exits = follow_own_policies(paths, policies, own)
    assert_as_ticks_do(paths, exits, [policies[index] for index in own])
    for policy, alone in zip(policies, follow_policies(paths, policies), strict=True):
        same = own == policies.index(policy)
        np.testing.assert_array_equal(exits.worth[same], alone.worth[same])
        np.testing.assert_array_equal(exits.held[same], alone.held[same])


@pytest.mark.parametrize("recorded", ["same", "other"])
def test_counts_are_taken_up_where_the_recorded_policy_is_the_same(recorded):
    policy = parse_policy(POLICIES["confirmed"])
    paths = random_paths(80, seed=9)
    hashes = (parse_policy("").hash, policy.hash if recorded == "same" else "0")
    book = replace(paths.book, policy=np.ones(len(paths.book), np.int16))
    paths = Paths(book=book, starts=paths.starts, hashes=hashes)
    (exits,) = follow_policies(paths, [policy])
    assert_as_ticks_do(paths, exits, [policy] * 80, same_policy=recorded == "same")


def test_no_path_has_no_exit():
    empty = random_paths(1, seed=1).book.take(slice(0))
    paths = Paths.of(empty, np.zeros(0))
    (exits,) = follow_policies(paths, [parse_policy()])
    assert len(exits) == len(exits.held) == len(exits.worth) == 0
    assert len(follow_own_policies(paths, [parse_policy()], np.zeros(0, np.intp))) == 0
