"""Policies on recorded days: the ten rows of the core's example, out of a database."""

from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.policies import shipped_policies
from exit_pipeline.services.audit import UNTIMED
from exit_pipeline.services.what_if import NO_POSITION, what_if
from exit_pipeline.services.what_if_facts import facts_of, rows_of, say_all
from exit_pipeline.services.what_if_report import HELD
from exit_pipeline.services.what_if_request import OWN, WhatIfRequest
from exit_pipeline_tests.core.replay.random_paths import random_paths
from exit_pipeline_tests.core.replay.test_ten_rows import BOOK
from exit_pipeline_tests.fakes import FakeCalendar
from exit_pipeline_tests.recorded import record

FIRST, LAST = date(2026, 3, 18), date(2026, 3, 19)
POSITIONS = ["A"] * 7 + ["B"] * 3
OTHER = "profit_target.percent=40, stop_loss.percent=20"


@pytest.fixture
def ten_rows(database):
    record(database, BOOK, positions=POSITIONS)


def tried(database, *policies, **other):
    asked = {"first": FIRST, "last": LAST, "policies": policies} | other
    told = {name: asked.pop(name) for name in ("progress", "tape") if name in asked}
    return what_if(
        WhatIfRequest(**asked), database=database, calendar=FakeCalendar(),
        library=shipped_policies(), **told,
    )  # fmt: skip


def only(report):
    (one,) = facts_of(report)["policies"]
    return one


@pytest.mark.usefixtures("ten_rows")
def test_every_number_of_the_ten_rows_is_that_of_the_table(database):
    report = tried(database, OTHER)
    assert (report.decisions, report.positions, report.left_out) == (10, 2, Counter())
    facts = only(report)
    assert facts["contracts"] == {
        "kept": 0, "earlier": 10, "later": 0, "added": 1, "dropped": 0, "open": 1
    }  # fmt: skip
    was, now = facts["baseline"], facts["policy_totals"]
    money = ("pnl", "realised", "open_gain", "drawdown")
    assert [was[name] for name in money] == [
        Decimal("331.30"), Decimal("183.30"), Decimal("148.00"), Decimal("333.35")
    ]  # fmt: skip
    assert [now[name] for name in money] == [
        Decimal("355.63"), Decimal("281.63"), Decimal("74.00"), Decimal("218.35")
    ]  # fmt: skip
    assert (was["expectancy"], now["expectancy"]) == pytest.approx((165.65, 177.815))
    assert facts["difference"]["total"] == Decimal("24.33")
    # (15.00 + 9.33) / 2; two positions drawn from two are the one, the other, or both.
    assert facts["difference"]["of_a_position"] == pytest.approx(12.165)
    assert (facts["difference"]["low"], facts["difference"]["high"]) == pytest.approx((9.33, 15))
    assert {(one["was"], one["now"]): (one["contracts"], one["difference"])
            for one in facts["reasons"]} == {
        ("PROFIT_TARGET", "PROFIT_TARGET"): (5, Decimal("-100.00")),
        ("STOP_LOSS", "STOP_LOSS"): (5, Decimal("115.00")),
        (HELD, "PROFIT_TARGET"): (1, Decimal("9.33")),
        (HELD, HELD): (1, Decimal(0)),
    }  # fmt: skip
    assert facts["record_ends"] == (
        "The record ends before the last exit of 1 of 2 positions. Contracts still held there: 1, "
        "counted at the last price at which they could have been closed, +74.00 dollars in all."
    )


@pytest.mark.usefixtures("ten_rows")
def test_each_position_tells_what_left_when_why_and_at_what_price(database):
    a, b = rows_of(tried(database, OTHER))
    assert (a["position_id"], a["contracts"], a["side"]) == ("A", 10, "LONG")
    assert a["baseline_exits"] == "5 PROFIT_TARGET at 3.04, 5 STOP_LOSS at 1.34"
    assert a["policy_exits"] == "5 PROFIT_TARGET at 2.84, 5 STOP_LOSS at 1.57"
    assert (a["baseline_pnl"], a["policy_pnl"]) == (Decimal("183.30"), Decimal("198.30"))
    assert (a["policy_at"].hour, a["policy_at"].minute) == (14, 20)
    assert a["policy_reason"] == "STOP_LOSS"
    assert b["policy_exits"] == "1 PROFIT_TARGET at 1.16, 1 STILL_HELD at 1.26"
    assert (b["side"], b["difference"], b["policy_open"]) == ("SHORT", Decimal("9.33"), 1)


def test_portions_of_any_size_give_the_result_of_one_piece(database):
    paths = random_paths(40, seed=3)
    names = [f"p{path:02}" for path in paths.path_of(np.arange(len(paths.book)))]
    record(database, paths.book, positions=names)
    span = {"first": date(2026, 1, 1), "last": date(2026, 12, 31), "policies": ["long_premium"]}
    whole, *others = (
        facts_of(tried(database, **span, grid={"stop_loss.percent": ["10", "40"]}, chunk=chunk))
        for chunk in (100_000, 1, 300)
    )
    assert whole["decisions"] == len(paths.book)
    assert any(one["contracts"]["earlier"] for one in whole["policies"])
    for other in others:
        assert other == whole


@pytest.mark.usefixtures("ten_rows")
def test_a_change_is_laid_over_each_position_s_own_policy(database):
    own, named = (
        tried(database, *policies, changes=OTHER.split(", ")) for policies in ((), ("default",))
    )
    assert own.tried[0].policy.label == f"{OWN}, {OTHER}"
    assert named.tried[0].policy.label == f"default, {OTHER}"
    assert only(own)["positions"] == only(named)["positions"]


def test_own_policies_may_be_different_ones(database):
    record(database, replace(BOOK, policy=np.array([1] * 7 + [0] * 3, np.int16)),
           ["default", "stop_loss=off"], positions=POSITIONS)  # fmt: skip
    a, b = rows_of(tried(database, changes=["profit_target.percent=40"]))
    assert a["policy_exits"] == "5 PROFIT_TARGET at 2.84, 5 STILL_HELD at 1.34"
    assert b["policy_exits"] == "1 PROFIT_TARGET at 1.16, 1 STILL_HELD at 1.26"


def test_a_position_that_changed_its_policy_is_told_of(database):
    record(database, replace(BOOK, policy=np.array([0] * 5 + [1] * 5, np.int16)),
           ["default", "stop_loss=off"], positions=POSITIONS)  # fmt: skip
    notes = tried(database, changes=["profit_target.percent=40"]).notes
    assert any(note.startswith("Positions that more than one policy decided: 1;") for note in notes)
    assert not any("more than one" in note for note in tried(database, "default").notes)


@pytest.mark.usefixtures("ten_rows")
def test_a_grid_tries_each_combination_and_each_alike_alone(database):
    grid = {"stop_loss.percent": ["20", "30"], "profit_target.percent": ["40", "50"]}
    report = tried(database, grid=grid)
    assert [one.policy.at for one in report.tried] == [
        {"stop_loss.percent": stop, "profit_target.percent": target}
        for stop in ("20", "30") for target in ("40", "50")
    ]  # fmt: skip
    for one in facts_of(report)["policies"]:
        changes = [f"{key}={value}" for key, value in one["at"].items()]
        alone = only(tried(database, changes=changes))
        assert one | {"at": {}} == alone


@pytest.mark.usefixtures("ten_rows")
def test_policies_are_compared_side_by_side_with_another_one(database):
    report = tried(database, OTHER, "default", compare_to=OTHER)
    same, default = facts_of(report)["policies"]
    assert report.compare_to == OTHER
    assert (same["difference"]["total"], default["difference"]["total"]) == (0, Decimal("-24.33"))
    assert default["contracts"]["later"] == 10


@pytest.mark.usefixtures("ten_rows")
def test_another_fee_and_seed_count(database):
    free = only(tried(database, OTHER, fee=Decimal(0)))
    assert free["policy_totals"]["pnl"] == Decimal("355.63") + 11 * Decimal("0.67")
    one, again, other = (tried(database, OTHER, seed=seed).tried[0].interval for seed in (1, 1, 2))
    assert one == again
    assert one.mean == other.mean


def test_dry_runs_are_tried_only_where_they_are_asked_for(database):
    record(database, BOOK, positions=POSITIONS)
    record(database, BOOK.take(slice(0, 3)), positions=["A"] * 3, dry_run=True)
    assert tried(database, OTHER).decisions == 10
    assert tried(database, OTHER, dry_run=True).decisions == 3


def test_ticks_of_two_modes_are_no_path_together(database):
    record(database, BOOK, positions=POSITIONS)
    record(database, BOOK.take(slice(0, 3)), positions=["A"] * 3, mode="recorded")
    report = tried(database, OTHER)
    assert [(one.id, one.mode) for one in report.tried[0].positions] == [
        ("A", "live"), ("A", "recorded"), ("B", "live")
    ]  # fmt: skip
    assert tried(database, OTHER, mode="live").positions == 2
    alone = tried(database, OTHER, mode="live")
    rows = {row["mode"]: row for row in rows_of(report) if row["position_id"] == "A"}
    assert rows["live"] == next(rows_of(alone))


def test_what_can_t_be_replayed_is_counted_with_its_reason(database, tamper):
    record(database, BOOK, positions=POSITIONS)
    tamper("UPDATE refactored_decisions SET policy_hash = NULL WHERE position_id = 'B'")
    tamper(
        "INSERT INTO refactored_decisions (id, decision_type, decision, created_at)"
        " VALUES ('u', 'ENTRY', 'ENTER', '2026-03-18 15:00+00')"
    )
    tamper(
        "INSERT INTO refactored_decisions (id, decision_type, decision, decided_at)"
        " VALUES ('v', 'ENTRY', 'ENTER', '2026-03-18 15:00+00')"
    )
    report = tried(database, OTHER)
    assert report.decisions == 7
    assert report.left_out == {
        "not decided at all, as its own sentence says": 3, UNTIMED: 1, NO_POSITION: 1
    }  # fmt: skip


def test_rows_of_a_newer_version_are_counted_and_not_walked(database, tamper):
    record(database, BOOK, positions=POSITIONS)
    record(database, BOOK.take(slice(7, 10)), ["stop_loss=off"], positions=["C"] * 3, mode="newer")
    tamper(
        "UPDATE policies SET policy = jsonb_set(policy, '{rules,0,rule}', '\"crystal_ball\"')"
        " WHERE hash IN (SELECT d.policy_hash FROM refactored_decisions d WHERE position_id = 'C')"
    )
    report = tried(database, OTHER)
    assert report.decisions == 10
    (reason,) = report.left_out
    assert reason.startswith("a stored policy has the rule 'crystal_ball', which this version")
    assert report.left_out[reason] == 3


@pytest.mark.usefixtures("ten_rows")
def test_progress_is_told_up_to_the_end(database):
    seen = []
    grid = {"stop_loss.percent": ["10", "15", "20"]}
    tried(database, grid=grid, chunk=7, progress=lambda *told: seen.append(told))
    assert seen == sorted(seen)
    assert seen[-1] == (30, 30)
    assert {total for _, total in seen} == {30}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"policies": ["lucky"]}, "policy 'lucky' has 'lucky', which is neither a name of"),
        ({"policies": ["stop_loss.percent=much"]}, "policy threshold stop_loss.percent = 'much'"),
        ({"first": LAST, "last": FIRST}, "from 2026-03-19 is after to 2026-03-18; expected"),
        ({"first": date(2026, 4, 1), "last": date(2026, 4, 2)},
         "no decision is recorded from 2026-04-01 to 2026-04-02 (no dry runs)"),
        ({"dry_run": True}, "no decision is recorded from 2026-03-18 to 2026-03-19 (dry runs)"),
        ({"changes": ["long_premium"]}, "change 'long_premium' is none; expected SECTION"),
        ({"changes": ["stop_loss.percnt=5"]}, "policy threshold stop_loss.percnt = '5' is not"),
        ({"changes": ["stop_loss.percent=-5"]}, "policy threshold stop_loss.percent = '-5' is not"),
        ({"grid": {"luck.percent": ["1"]}}, "policy override 'luck.percent=1' must be"),
        ({"grid": {"stop_loss.percent": ["1", ""]}}, "grid of stop_loss.percent has the values"),
        ({"grid": {"stop_loss.percent": [str(n) for n in range(1, 30)],
                   "profit_target.percent": [str(n) for n in range(1, 30)]}},
         "841 policies are to be tried; expected 500 at most"),
        ({"policies": []}, "there is nothing to try; expected a policy, a change or a grid"),
        ({"compare_to": "lucky"}, "policy 'lucky' has 'lucky', which is neither a name of"),
        ({"chunk": 0}, "chunk is 0; expected 1 or more decisions"),
        ({"fee": Decimal(-1)}, "fee is -1; expected 0 or more dollars a contract"),
        ({"seed": -1}, "seed is -1; expected 0 or more"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("ten_rows")
def test_what_can_t_be_tried_is_said_in_one_sentence(database, asked, said):
    asked = {"policies": [] if {"changes", "grid"} & set(asked) else ["default"]} | asked
    with pytest.raises(InputError) as refused:
        tried(database, **asked)
    assert str(refused.value).startswith(said)


def test_a_range_of_which_nothing_can_be_replayed_is_said_with_the_reason(database, tamper):
    record(database, BOOK, positions=POSITIONS)
    tamper("UPDATE refactored_decisions SET policy_hash = NULL")
    with pytest.raises(InputError, match=r"none of 10 decisions recorded from .* made again: "
                                         "10 not decided at all"):  # fmt: skip
        tried(database, "default")


def test_exits_without_a_price_are_said_so(database):
    unpriced = replace(BOOK.take(slice(3, 4)))
    record(database, unpriced, positions=["A"])
    (row,) = tried(database, "default").tried[0].rows()
    assert say_all(row.now) == f"7 {HELD} at -"
    assert row.difference is None
    assert "Positions of which no quote tells what they are worth: 1;" in facts_of(
        tried(database, "default")
    )["policies"][0]["record_ends"]  # fmt: skip


def test_positions_come_by_their_first_tick(database):
    later = BOOK.take(slice(1, 7))
    record(database, later, positions=["A"] * 6)
    record(database, BOOK.take(slice(7, 10)), positions=["Z"] * 3, mode="recorded")
    for chunk in (1, 100):
        report = tried(database, OTHER, chunk=chunk)
        assert [row["position_id"] for row in rows_of(report)] == ["Z", "A"]


def test_a_position_that_was_added_to_is_walked_with_what_it_had_first(database):
    grown = replace(BOOK, quantity=BOOK.quantity + (np.arange(10) > 0) * (np.arange(10) < 7) * 3,
                    open_quantity=BOOK.open_quantity + (np.arange(10) == 6) * 3)  # fmt: skip
    record(database, grown, positions=POSITIONS)
    report = tried(database, OTHER)
    assert "Positions that got further contracts on the way: 1; these do not count." in report.notes
    assert [row["contracts"] for row in rows_of(report)] == [10, 2]
