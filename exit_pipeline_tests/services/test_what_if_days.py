"""What leaves under another policy, kept day by day."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.policies import parse_policy, shipped_policies
from exit_pipeline.services.what_if import what_if
from exit_pipeline.services.what_if_days import UNTOLD, what_if_days
from exit_pipeline.services.what_if_request import WhatIfRequest
from exit_pipeline_tests.core.replay.random_paths import random_paths
from exit_pipeline_tests.core.replay.test_ten_rows import BOOK
from exit_pipeline_tests.fakes import FakeCalendar
from exit_pipeline_tests.recorded import record
from exit_pipeline_tests.tampering import TAMPER

FIRST, LAST = date(2026, 3, 18), date(2026, 3, 19)
POSITIONS = ["A"] * 7 + ["B"] * 3
OTHER = "profit_target.percent=40, stop_loss.percent=20"


@pytest.fixture
def rows(engine):
    """Runs a statement; its rows, if it has any, as tuples."""

    def execute(statement):
        with engine.begin() as connection:
            found = connection.exec_driver_sql(TAMPER + statement)
            return [tuple(row) for row in found] if found.returns_rows else []

    return execute


def kept(database, first=FIRST, last=LAST, policies=(OTHER,), **other):
    told = {"progress": other.pop("progress")} if "progress" in other else {}
    request = WhatIfRequest(first=first, last=last, policies=policies, **other)
    return what_if_days(
        request, database=database, calendar=FakeCalendar(), library=shipped_policies(), **told
    )


EXITS = """
    SELECT trading_day, position_id, to_char(decided_at AT TIME ZONE 'America/New_York', 'HH24:MI'),
           exit_quantity, exit_action, exit_reason, same, differences
    FROM decision_replays WHERE kind = 'WHAT_IF' ORDER BY label, position_id, decided_at
"""


SPAN = """
    SELECT min(day), max(day)
    FROM (SELECT (decided_at AT TIME ZONE 'America/New_York')::date AS day
          FROM refactored_decisions) d
"""


def cells(**columns):
    return {
        name: {"recorded": was, "recomputed": now} for name, (was, now) in columns.items()
    }  # fmt: skip


def test_a_day_has_the_rows_at_which_contracts_leave_either_way(database, rows):
    record(database, BOOK, positions=POSITIONS)
    wednesday, thursday = kept(database)
    target, stop = "PROFIT_TARGET", "STOP_LOSS"
    gone = cells(exit_quantity=(5, None), exit_reason=(target, None))
    assert rows(EXITS) == [
        (FIRST, "A", "10:05", 5, "PARTIAL", target, False,
         cells(exit_quantity=(None, 5), exit_reason=(None, target))),
        (FIRST, "A", "10:10", None, None, None, False, gone),
        (FIRST, "A", "10:20", 5, "FULL", stop, False,
         cells(exit_quantity=(None, 5), exit_reason=(None, stop))),
        (LAST, "A", "10:00", None, None, None, False,
         cells(exit_quantity=(5, None), exit_reason=(stop, None))),
        (FIRST, "B", "10:05", 1, "PARTIAL", target, False,
         cells(exit_quantity=(None, 1), exit_reason=(None, target))),
    ]  # fmt: skip
    assert (wednesday.key.trading_day, wednesday.key.label) == (FIRST, OTHER)
    assert (wednesday.decisions, wednesday.differing, wednesday.left_out) == (9, 4, {})
    assert wednesday.policy_hash == parse_policy(OTHER).hash
    # 5 x 103.33 as recorded; 5 x 83.33 - 5 x 43.67 + 83.33 now.
    assert wednesday.figures == {
        "compare_to": "recorded", "baseline_pnl": 516.65, "policy_pnl": 281.63,
        "difference": -235.02, "baseline_contracts": 5, "policy_contracts": 11,
        "contracts_in_both": 0,
    }  # fmt: skip
    assert thursday.figures["baseline_pnl"] == -333.35
    assert (thursday.decisions, thursday.differing) == (1, 1)
    assert rows("SELECT trading_day, policy_hash, decisions FROM replay_days ORDER BY 1") == [
        (FIRST, wednesday.policy_hash, 9), (LAST, wednesday.policy_hash, 1)
    ]  # fmt: skip


def test_the_same_exits_are_the_same_rows(database, rows):
    record(database, BOOK, positions=POSITIONS)
    kept(database, policies=["default"])
    assert [row[3:] for row in rows(EXITS)] == [
        (5, "PARTIAL", "PROFIT_TARGET", True, None), (5, "FULL", "STOP_LOSS", True, None)
    ]  # fmt: skip


def test_a_day_is_kept_alike_alone_and_within_any_range(database, rows):
    paths = random_paths(30, seed=5)
    names = [f"p{path:02}" for path in paths.path_of(np.arange(len(paths.book)))]
    record(database, paths.book, positions=names)
    ((first, last),) = rows(SPAN)
    whole = kept(database, first, last, ["long_premium"])
    assert len(whole) > 3
    everything = rows(EXITS)
    assert {row[6] for row in everything} == {True, False}
    rows("TRUNCATE decision_replays, replay_days")
    alone = [
        done
        for number in range((last - first).days + 1)
        for done in kept(
            database, *[first + timedelta(days=number)] * 2, ["long_premium"], chunk=50
        )
    ]  # fmt: skip
    assert alone == whole
    assert rows(EXITS) == everything


def test_the_days_together_are_what_leaves_in_the_range(database, rows):
    paths = random_paths(30, seed=6)
    names = [f"p{path:02}" for path in paths.path_of(np.arange(len(paths.book)))]
    record(database, paths.book, positions=names)
    ((first, last),) = rows(SPAN)
    days = kept(database, first, last, ["long_premium"])
    request = WhatIfRequest(first=first, last=last, policies=["long_premium"])
    (one,) = what_if(
        request, database=database, calendar=FakeCalendar(), library=shipped_policies()
    ).tried  # fmt: skip
    now = one.comparison.policy
    assert sum(day.figures["policy_contracts"] for day in days) == (now.held - now.left).sum()
    pnl = Decimal(int(now.realised.sum())).scaleb(-4)
    assert sum(Decimal(str(day.figures["policy_pnl"])) for day in days) == pnl


def test_a_replay_of_a_day_replaces_the_one_before(database, rows):
    record(database, BOOK, positions=POSITIONS)
    kept(database)
    before = rows(EXITS)
    kept(database)
    assert rows(EXITS) == before
    kept(database, policies=["stop_loss.percent=20"])
    assert rows("SELECT DISTINCT label FROM replay_days ORDER BY 1") == [
        (OTHER,), ("stop_loss.percent=20",)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "label"),
    [
        ({"compare_to": "long_premium"}, f"{OTHER}, beside long_premium"),
        ({"environment": "paper", "mode": "live"}, f"{OTHER}, of paper, of live"),
        ({"dry_run": True}, f"{OTHER}, of dry runs"),
        ({"policies": (), "changes": ["stop_loss.percent=20"]}, "own, stop_loss.percent=20"),
    ],
    ids=["compared", "some runs", "dry runs", "own"],
)
def test_another_question_is_kept_under_another_name(database, rows, asked, label):
    record(database, BOOK, positions=POSITIONS, dry_run=asked.get("dry_run", False))
    kept(database, **asked)
    assert rows("SELECT DISTINCT label FROM decision_replays") == [(label,)]


def test_what_can_t_be_made_again_is_counted_by_its_day(database, rows):
    record(database, BOOK, positions=POSITIONS)
    rows("UPDATE refactored_decisions SET policy_hash = NULL WHERE position_id = 'B'")
    wednesday, thursday = kept(database)
    assert (wednesday.decisions, wednesday.left_out) == (6, {UNTOLD: 3})
    assert thursday.left_out == {}


def test_days_without_decisions_are_not_kept(database, rows):
    assert kept(database) == []
    record(database, BOOK, positions=POSITIONS)
    assert [day.key.trading_day for day in kept(database, LAST, date(2026, 3, 24))] == [LAST]
    assert rows("SELECT DISTINCT trading_day FROM replay_days") == [(LAST,)]


def test_progress_is_told_up_to_the_end(database):
    record(database, BOOK, positions=POSITIONS)
    seen = []
    kept(database, chunk=7, progress=lambda *told: seen.append(told))
    assert seen == [(7, 10), (10, 10)]


def test_a_policy_that_is_none_is_refused_before_anything_is_read(database):
    with pytest.raises(InputError, match="policy 'lucky' has 'lucky'"):
        kept(database, policies=["lucky"])
