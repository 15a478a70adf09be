"""The commands that make recorded decisions again."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from exit_pipeline.cli import group
from exit_pipeline.core.engine.policy import rule_classes
from exit_pipeline_tests.desk import CALL, FAR_CALL, Desk
from exit_pipeline_tests.tampering import TAMPER

Run = Callable[..., Any]
Refusal = Callable[..., str]
DAY = ("--from", "2026-03-17", "--to", "2026-03-17")


@pytest.fixture
def desk(database_url: str) -> Desk:
    """Two positions at three ticks; one gains 60 % at the last, the other is never quoted."""
    desk = Desk(database_url)
    desk.hold("a", quantity=4)
    desk.hold("b", FAR_CALL)
    for bid, ask in (("1.99", "2.01"), ("1.79", "1.81"), ("3.19", "3.21")):
        desk.quote(CALL, bid, ask)
        desk.tick()
        desk.later()
    return desk


def fail(*arguments: str) -> Result:
    """A command that ends with status 1, and says why on stdout."""
    result = CliRunner().invoke(group, ["replay", "audit", *DAY, *arguments])
    assert result.exit_code == 1, result.output
    assert result.stderr == ""
    return result


@pytest.mark.usefixtures("desk")
def test_an_audit_says_what_it_has_checked(run: Run) -> None:
    shown = " ".join(run("replay", "audit", *DAY, "--reasoning").stdout.split())
    assert "1 day with decisions: 6 decisions made again" in shown
    assert "Every decision is what was recorded, and none looked ahead." in shown
    assert "Decided by version 0.1.0 (6); made again by 0.1.0." in shown
    assert "INCIDENT" not in shown


@pytest.mark.usefixtures("desk")
def test_a_changed_rule_is_an_incident_and_status_one(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = rule_classes()["profit_target"]
    honest = kind.evaluate

    def changed(self: Any, book: Any, marks: Any) -> Any:
        verdict = honest(self, book, marks)
        return replace(verdict, fired=verdict.fired & (marks.pnl_percent > 60.5))

    monkeypatch.setattr(kind, "evaluate", changed)
    shown = " ".join(fail().stdout.split())
    assert "INCIDENT 1 decisions are not what was recorded." in shown
    assert "exit_reason" in shown
    assert "PROFIT_TARGET nothing" in shown.replace("│ ", "")
    told = json.loads(fail("--json").stdout)
    assert told["differing_columns"]["decision"] == 1
    cells = {cell["column"]: (cell["recorded"], cell["made"]) for cell in told["differences"]}
    assert cells["decision"] == ("EXIT", "HOLD")
    assert cells["exit_quantity"] == (2, None)


def test_only_the_first_differences_are_shown_and_how_many_more(desk: Desk) -> None:
    desk.rows_changed(
        f"{TAMPER}UPDATE refactored_decisions SET mark = mark + 1, quote_flags = 8192"
    )
    shown = " ".join(fail("--show", "2").stdout.split())
    assert "By column: quote_flags 6, mark 3." in shown
    assert "... and 7 more." in shown


def test_a_look_ahead_is_an_incident(desk: Desk) -> None:
    desk.rows_changed(
        f"{TAMPER}UPDATE refactored_decisions SET gex_at = decided_at + interval '90 seconds'"
        " WHERE position_id = 'a'"
    )
    shown = " ".join(fail().stdout.split())
    assert "INCIDENT 3 decisions had an input of a later time than their own." in shown
    assert "gex_at" in shown
    assert "10:01:30" in shown


def test_what_is_not_replayable_is_told_with_its_reason(desk: Desk, run: Run) -> None:
    desk.rows_changed(
        f"{TAMPER}UPDATE refactored_decisions SET policy_hash = NULL WHERE position_id = 'b'"
    )
    desk.rows_changed(
        "INSERT INTO refactored_decisions (id, decision_type, decision, created_at)"
        " VALUES ('u', 'ENTRY', 'ENTER', '2026-03-17 15:00+00')"
    )
    shown = " ".join(run("replay", "audit", *DAY).stdout.split())
    assert "Not replayable: 3 not decided at all, as its own sentence says." in shown
    assert "Not replayable: 1 kept without a time of its own, such as a users' own." in shown
    assert "3 decisions made again" in shown


def test_what_comes_of_a_day_is_kept_unless_it_is_not_to_be(desk: Desk, run: Run) -> None:
    run("replay", "audit", *DAY, "--no-keep")
    assert desk.rows("SELECT * FROM replay_days") == []
    run("replay", "audit", *DAY, "--chunk", 2)
    (kept,) = desk.rows("SELECT decisions, differing, code_versions FROM replay_days")
    assert tuple(kept.values()) == (6, 0, {"0.1.0": 6})
    resumed = run("replay", "audit", *DAY, "--resume").stdout
    assert "1 of them audited before" in " ".join(resumed.split())


def test_only_some_runs_are_audited(desk: Desk, run: Run) -> None:
    desk.tick({"dry_run": True})
    told = json.loads(run("replay", "audit", *DAY, "--dry-runs", "--json").stdout)
    assert told["decisions"] == 2
    asked = ("--no-dry-runs", "--environment", "paper", "--mode", "fake")
    mode = desk.rows("SELECT DISTINCT mode FROM decision_runs")[0]["mode"]
    told = json.loads(run("replay", "audit", *DAY, *asked[:-1], mode, "--json").stdout)
    assert told["decisions"] == 6


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (DAY, "no decision is recorded from 2026-03-17 to 2026-03-17"),
        (("--from", "2026-03-18", "--to", "2026-03-17"), "from 2026-03-18 is after to 2026-03-17;"),
        (("--from", "17.3.", "--to", "2026-03-17"), "--from is '17.3.'; expected a date such as"),
        (("--from", "2026-03-17", "--to", "2026-02-30"), "--to is '2026-02-30'; expected a date"),
        (("--from", "1926-03-17", "--to", "2026-03-17"), "date 1926-03-17 is outside the XNYS"),
        ((*DAY, "--chunk", "0"), "chunk is 0; expected 1 or more decisions"),
        ((*DAY, "--environment", "moon"), "no decision is recorded from 2026-03-17 to"),
    ],
    ids=["nothing", "from after to", "no date", "no such day", "too early", "chunk", "nowhere"],
)  # fmt: skip
def test_what_can_t_be_audited_is_said_in_one_sentence(
    refusal: Refusal, arguments: tuple[str, ...], said: str
) -> None:
    assert refusal("replay", "audit", *arguments).startswith(said)


def test_a_database_that_does_not_answer_is_said_in_one_sentence(
    refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:1/none")
    said = refusal("replay", "audit", *DAY)
    assert "did not accept the connection" in said
    assert "secret" not in said
