"""The command that explains a decision long after its tick."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner

from exit_pipeline.cli import group
from exit_pipeline_tests.desk import CALL, MORNING, Desk
from exit_pipeline_tests.tampering import TAMPER

Run = Callable[..., Any]
Refusal = Callable[..., str]


@pytest.fixture
def desk(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A position that has lost 25 % at one tick, and gained 60 % five minutes later."""
    monkeypatch.setenv("EXIT_SHADOW_POLICIES", "tight=stop_loss.percent=20")
    desk = Desk(database_url)
    desk.hold("a", quantity=4)
    desk.quote(CALL, "1.49", "1.51")
    desk.tick()
    desk.later()
    desk.quote(CALL, "3.19", "3.21")
    desk.tick()
    return desk


@pytest.mark.usefixtures("desk")
def test_the_newest_decision_is_explained_rule_by_rule(run: Run) -> None:
    shown = run("explain", "a").stdout
    assert "2026-03-17 10:05:00 New York  PARTIAL" in shown
    assert "PROFIT_TARGET closes 2 of 4: P&L +60.0 % against a target of +50.0 %." in shown
    assert "STOP_LOSS" in shown
    assert "90.00 %" in shown
    assert "Made again from its stored inputs, it is what was recorded." in shown
    assert "INCIDENT" not in shown


@pytest.mark.usefixtures("desk")
def test_a_hold_tells_the_nearest_rule_first(run: Run) -> None:
    told = json.loads(run("explain", "a", "--at", MORNING.isoformat(), "--json").stdout)
    assert told["decided_at"] == MORNING.isoformat()
    assert told["sentences"][0].startswith("Nothing is due. Nearest is STOP_LOSS: ")
    stop, *others = told["rules"]
    assert (stop["reason"], stop["state"], stop["distance"]) == ("STOP_LOSS", "not fired", 5.0)
    states = [line["state"] for line in others]
    assert states == sorted(states, key=["not fired", "not evaluable"].index)
    assert told["differences"] == {}
    assert told["code_version"]["recorded"] == told["code_version"]["recomputed"]
    assert told["inputs"]["bid"] == "1.4900"


@pytest.mark.usefixtures("desk")
def test_what_is_not_known_is_null_in_json(run: Run) -> None:
    told = json.loads(run("explain", "a", "--json").stdout, parse_constant=pytest.fail)
    (flip,) = [line for line in told["rules"] if line["reason"] == "GEX_FLIP"]
    assert flip["observed"] is None


@pytest.mark.usefixtures("desk")
def test_a_shadow_policy_is_explained_by_its_own_thresholds(run: Run) -> None:
    shown = run("explain", "a", "--at", MORNING.isoformat(), "--shadow", "tight").stdout
    assert "shadow policy tight: default, stop_loss.percent=20" in shown
    assert "STOP_LOSS closes all: P&L -25.0 % against a stop of -20.0 %." in shown
    assert "it is what was recorded" in shown


def test_a_dry_run_is_told_as_one(desk: Desk, run: Run) -> None:
    desk.later()
    desk.quote(CALL, "2.00", "2.02")
    desk.tick({"dry_run": True})
    assert "New York, dry run  HOLD" in run("explain", "a").stdout


def test_an_outcome_that_is_not_what_comes_of_its_inputs_is_an_incident(
    desk: Desk,
) -> None:
    desk.rows_changed("UPDATE decision_runs SET code_version = '0.0.1'")
    desk.rows_changed(
        f"{TAMPER}UPDATE refactored_decisions SET bid = 2.49, ask = 2.51, mark = 2.50"
    )
    result = CliRunner().invoke(group, ["explain", "a"])
    assert result.exit_code == 1
    said = " ".join(result.stdout.split())
    assert "INCIDENT" in said
    assert "exit_reason was recorded as PROFIT_TARGET, and is nothing now" in said
    assert "Decided by version 0.0.1, made again by version" in said


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nobody"], "there is no decision on the position 'nobody'"),
        (["a", "--at", "2020-01-01T10:00:00Z"], "there is no decision on the position 'a' at or"),
        (["a", "--shadow", "x"], "there is no decision on the position 'a' by the shadow policy"),
        (["a", "--at", "noon"], "--at is 'noon'; expected"),
    ],
    ids=["no position", "before its first", "no such shadow", "no time"],
)
def test_what_there_is_not_is_said_in_one_sentence(
    refusal: Refusal, arguments: list[str], said: str
) -> None:
    assert refusal("explain", *arguments).startswith(said)


def test_a_users_own_decision_on_the_signal_is_not_replayable(
    database_url: str, refusal: Refusal
) -> None:
    desk = Desk(database_url)
    desk.hold("a")
    desk.rows_changed("INSERT INTO refactored_signals (id) VALUES ('s1')")
    desk.rows_changed("UPDATE refactored_positions SET signal_id = 's1'")
    desk.rows_changed(
        "INSERT INTO refactored_decisions (id, signal_id, decision_type, decision, reasoning)"
        """ VALUES ('d1', 's1', 'ENTRY', 'ENTER', '{"why": "a user wrote it"}')"""
    )
    said = refusal("explain", "a")
    assert "is not replayable: it was kept without policy and inputs" in said


def test_a_position_that_was_not_decided_is_not_replayable_and_says_why(
    database_url: str, refusal: Refusal
) -> None:
    desk = Desk(database_url)
    desk.hold("a")
    desk.rows_changed("UPDATE refactored_positions SET policy = 'nobodys'")
    desk.quote(CALL, "1.99", "2.01")
    desk.tick()
    said = refusal("explain", "a")
    assert "is not replayable" in said
    assert "Not decided: policy 'nobodys' has 'nobodys'" in said
