"""Which policy each position of a tick is under, over the real job and its database."""

from pathlib import Path
from typing import Any

import pytest

from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.desk import CALL, FAR_CALL, Desk, alerts, decision

ACTIVE = "INSERT INTO exit_rules (mode, active, stop_loss_percent) VALUES ('{mode}', true, {stop})"


@pytest.fixture
def desk(database_url: str) -> Desk:
    """A market in which a position that was entered at 2.00 has lost 40 %."""
    desk = Desk(database_url)
    desk.quote(CALL, "1.19", "1.21")
    desk.quote(FAR_CALL, "1.19", "1.21")
    return desk


def origins(desk: Desk) -> dict[str, Any]:
    rows = desk.rows("SELECT position_id, policy_origins FROM refactored_decisions")
    return {row["position_id"]: row["policy_origins"] for row in rows}


def test_a_position_may_name_a_policy_and_override_what_it_states(desk: Desk) -> None:
    desk.hold("default")
    desk.hold("named", FAR_CALL, policy="long_premium")
    desk.hold("tighter", policy="long_premium, stop_loss.percent=40")
    report = desk.tick()
    reasons = {one.position_id: one.exit_reason for one in report.decisions}
    assert reasons == {"default": "STOP_LOSS", "named": None, "tighter": "STOP_LOSS"}
    assert decision(report, "named").policy_hash == parse_policy("long_premium").hash


def test_a_decision_keeps_who_stated_what_the_default_does_not(desk: Desk) -> None:
    desk.hold("default")
    desk.hold("own", policy="stop_loss.percent=25")
    desk.tick({"dry_run": True, "policy": "gex_flip=off"})
    desk.tick({"dry_run": True})
    assert desk.rows(
        "SELECT position_id AS id, policy_origins AS origins FROM refactored_decisions"
        " ORDER BY created_at, position_id"
    ) == [
        {"id": "default", "origins": {"gex_flip": "launch"}},
        {"id": "own", "origins": {"gex_flip": "launch", "stop_loss.percent": "position"}},
        {"id": "default", "origins": None},
        {"id": "own", "origins": {"stop_loss.percent": "position"}},
    ]


def test_two_positions_that_decide_alike_share_a_policy_and_keep_their_own_origins(
    desk: Desk,
) -> None:
    desk.hold("a", policy=parse_policy("long_premium").name)
    desk.hold("b", policy="long_premium")
    report = desk.tick()
    assert len({one.policy_hash for one in report.decisions}) == 1
    assert len(desk.rows("SELECT * FROM policies")) == 1
    told = origins(desk)
    assert told["a"]["stop_loss.percent"] == "position"
    assert told["b"]["stop_loss.percent"] == "long_premium"


def test_the_table_counts_only_where_it_is_named(desk: Desk) -> None:
    """A row that somebody has forgotten must not change a stop."""
    desk.rows_changed(ACTIVE.format(mode="PAPER", stop=45))
    desk.hold("default")
    desk.hold("named", policy="exit_rules")
    report = desk.tick()
    assert [one.exit_reason for one in report.decisions] == ["STOP_LOSS", None]
    (row,) = desk.rows("SELECT CAST(id AS text) AS id FROM exit_rules")
    told = origins(desk)
    assert told["default"] is None
    assert told["named"]["stop_loss.percent"] == f"exit_rules row {row['id']}"


def test_a_launch_may_name_the_table_for_all(desk: Desk) -> None:
    desk.rows_changed(ACTIVE.format(mode="PAPER", stop=45))
    desk.hold("a")
    desk.hold("b", FAR_CALL, policy="long_premium, stop_loss.percent=35")
    report = desk.tick({"dry_run": True, "policy": "exit_rules"})
    assert [one.exit_reason for one in report.decisions] == [None, "STOP_LOSS"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        pytest.param([], "which has none", id="no active row"),
        pytest.param([("LIVE", 45)], "which has none", id="one of the other mode"),
        pytest.param([("PAPER", 45), ("PAPER", 45)], "which has 2: ", id="two active rows"),
        pytest.param([("PAPER", -45)], "stop_loss.percent = '-45'", id="a stop with a sign"),
    ],
)
def test_a_position_whose_table_does_not_say_it_is_not_decided_and_raises_an_alert(
    desk: Desk, rows: list[tuple[str, int]], said: str
) -> None:
    for mode, stop in rows:
        desk.rows_changed(ACTIVE.format(mode=mode, stop=stop))
    desk.hold("default")
    desk.hold("named", policy="exit_rules")
    report = desk.tick()
    assert decision(report, "default").exit_reason == "STOP_LOSS"
    assert decision(report, "named").decision == "HOLD"
    assert said in decision(report, "named").reasoning[0]
    assert ("NOT_DECIDED", "named") in alerts(desk)


def test_a_launch_that_names_the_table_while_nothing_is_held_is_a_tick_without_decisions(
    desk: Desk,
) -> None:
    assert desk.tick({"dry_run": True, "policy": "exit_rules"}).decisions == ()


def test_a_folder_of_a_users_own_is_read_at_each_tick(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXIT_POLICIES", str(tmp_path))
    file = tmp_path / "mine.yaml"
    file.write_text("rules: {stop_loss: {percent: 45}}")
    desk.hold("a", policy="mine")
    assert decision(desk.tick(), "a").decision == "HOLD"
    assert origins(desk)["a"]["stop_loss.percent"] == "mine"
    file.write_text("rules: {stop_loss: {percent: 35}}")
    desk.later()
    desk.quote(CALL, "1.19", "1.21")
    assert decision(desk.tick(), "a").exit_reason == "STOP_LOSS"


def test_a_broken_file_leaves_what_does_not_name_it_decided(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXIT_POLICIES", str(tmp_path))
    (tmp_path / "mine.yaml").write_text("rules: {stop_loss: {percent: +30}}")
    desk.hold("a")
    desk.hold("b", policy="mine")
    report = desk.tick()
    assert decision(report, "a").exit_reason == "STOP_LOSS"
    assert (
        "mine.yaml: policy threshold stop_loss.percent = '+30'"
        in (decision(report, "b").reasoning[0])
    )
    assert ("NOT_DECIDED", "b") in alerts(desk)
