"""The replay job in its mode what-if: another policy, along the recorded prices of real ticks."""

from typing import Any

import dagster as dg
import pytest

from exit_pipeline_tests.defs.replays import observed, run_replay, said, shown
from exit_pipeline_tests.desk import Desk

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dagster")

DAYS = ("2026-03-16", "2026-03-18")


def test_a_what_if_shows_what_leaves_day_by_day_and_what_that_brings(
    called_desk: Desk, on: dg.DagsterInstance
) -> None:
    """By hand: a target of 40 % sells at 2.89 on Tuesday, 89.00 less 0.67 of costs."""
    config = {"mode": "what-if", "set": "profit_target.percent=40"}
    result = run_replay(called_desk.database, called_desk.calendar, *DAYS, on=on, config=config)
    assert result.success
    days = shown(result)
    assert days["2026-03-16"] == {
        "decisions": 0,
        "note": "no decision is recorded on 2026-03-16",
    }
    tuesday, wednesday = days["2026-03-17"], days["2026-03-18"]
    assert (tuesday["decisions"], tuesday["exits_differing"]) == (2, 1)
    assert (tuesday["baseline_pnl"], tuesday["policy_pnl"]) == (0.0, 88.33)
    assert (wednesday["decisions"], wednesday["policy_pnl"]) == (1, 0.0)
    seen = observed(result)
    assert (seen["policy"], seen["compare_to"]) == (
        "own, profit_target.percent=40",
        "recorded exits",
    )
    # Not sold, it stands at 2.19 at the end of the record: 19.00, on which nothing was paid yet.
    assert seen["pnl_difference"] == 69.33
    assert (seen["added"], seen["kept"]) == (1, 0)
    assert seen["reasons"] == [
        {
            "left_for": "STILL_HELD",
            "would_leave_for": "PROFIT_TARGET",
            "contracts": 1,
            "difference": "69.33",
        }
    ]
    assert [row["difference"] for row in seen["by_day"]] == ["88.33", "0.00"]
    assert "data:image/png" in seen["money_over_time"]
    kept = called_desk.rows("SELECT DISTINCT kind, label FROM decision_replays")
    assert kept == [{"kind": "WHAT_IF", "label": "own, profit_target.percent=40"}]


def test_a_what_if_again_replaces_its_own_rows_and_leaves_those_of_the_audit(
    called_desk: Desk, on: dg.DagsterInstance
) -> None:
    run_replay(called_desk.database, called_desk.calendar, *DAYS, on=on)
    for _ in range(2):
        config = {"mode": "what-if", "policy": "profit_target.percent=40"}
        run_replay(called_desk.database, called_desk.calendar, *DAYS, on=on, config=config)
    kept = called_desk.rows(
        "SELECT kind, count(*) AS n FROM decision_replays GROUP BY 1 ORDER BY 1"
    )
    assert kept == [{"kind": "AUDIT", "n": 3}, {"kind": "WHAT_IF", "n": 1}]


def test_a_what_if_may_be_compared_with_another_policy(
    called_desk: Desk, on: dg.DagsterInstance
) -> None:
    config = {
        "mode": "what-if",
        "policy": "profit_target.percent=40",
        "compare_to": "profit_target.percent=10",
    }
    seen = observed(
        run_replay(called_desk.database, called_desk.calendar, *DAYS, on=on, config=config)
    )
    assert seen["compare_to"] == "profit_target.percent=10"
    assert (seen["later"], seen["pnl_difference"]) == (1, 50.0)


def test_a_what_if_of_days_without_decisions_says_so_and_is_no_failure(
    called_desk: Desk, on: dg.DagsterInstance
) -> None:
    config = {"mode": "what-if", "policy": "default"}
    result = run_replay(
        called_desk.database, called_desk.calendar, "2026-03-12", "2026-03-13", on=on, config=config
    )
    assert result.success
    assert {day["note"] for day in shown(result).values()} == {
        "no decision is recorded on 2026-03-12",
        "no decision is recorded on 2026-03-13",
    }


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"policy": "default"}, "policy is 'default', which is for mode what-if; mode is audit"),
        ({"set": "stop_loss.percent=5"}, "set is 'stop_loss.percent=5', which is for mode what-if"),
        ({"compare_to": "default"}, "compare_to is 'default', which is for mode what-if"),
        ({"mode": "what-if", "skip_audited": True}, "skip_audited is True, which is for mode"),
        ({"mode": "what-if"}, "there is nothing to try; expected a policy, a change or a grid"),
        ({"mode": "what-if", "policy": "nonsense"}, "policy 'nonsense' has 'nonsense', which is"),
        ({"mode": "what-if", "set": "nonsense"}, "change 'nonsense' is none; expected"),
        (
            {"mode": "what-if", "set": "stop_loss.percent=5", "compare_to": "x"},
            "policy 'x' has 'x', which",
        ),
    ],
    ids=["policy", "set", "compare_to", "skip", "nothing", "no policy", "no change", "no other"],
)
def test_a_form_that_can_t_be_is_refused_in_one_sentence(
    called_desk: Desk, on: dg.DagsterInstance, config: dict[str, Any], sentence: str
) -> None:
    result = run_replay(called_desk.database, called_desk.calendar, *DAYS, on=on, config=config)
    assert said(result).startswith(sentence)
