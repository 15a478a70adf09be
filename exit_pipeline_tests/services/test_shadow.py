"""Policies that are decided beside the real ones, over the real job and its database."""

from typing import Any

import pytest
from sqlalchemy import event

from exit_pipeline.adapters.database.postgres.shadow_decisions import PostgresShadowDecisions
from exit_pipeline.core.model.record import StoredDecision
from exit_pipeline.core.model.shadow import ShadowDecision
from exit_pipeline.policies import parse_policy
from exit_pipeline.services.shadow import differing
from exit_pipeline.services.tick import TickReport
from exit_pipeline_tests.desk import CALL, MORNING, PUT, Desk, alerts
from exit_pipeline_tests.fakes import new_york

TIGHT = "tight=stop_loss.percent=20; loose=long_premium, stop_loss.percent=60"


@pytest.fixture
def desk(database_url: str) -> Desk:
    """A position that was entered at 2.00 and has lost 25 %: default holds, tight would leave."""
    desk = Desk(database_url)
    desk.quote(CALL, "1.49", "1.51")
    desk.hold("a")
    return desk


@pytest.fixture
def shadow(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the shadow policies of the ticks that follow."""
    return lambda text: monkeypatch.setenv("EXIT_SHADOW_POLICIES", text)


def told(report: TickReport) -> list[tuple[str, str, str | None]]:
    """Position, name and reason of each shadow decision of a tick."""
    made = report.executed.decided.shadow_decisions
    return [(one.position_id, one.name, one.exit_reason) for one in made]


def kept(desk: Desk, columns: str) -> list[tuple[Any, ...]]:
    rows = desk.rows(f"SELECT {columns} FROM shadow_decisions ORDER BY decided_at, id")
    return [tuple(row.values()) for row in rows]


def counts(desk: Desk) -> list[tuple[Any, ...]]:
    """Of each tick: the hits that went in, those that came out, and the decision."""
    rows = kept(desk, "rule_hits, rule_hits_after, decision")
    return [(sum(before or ()), sum(after or ()), said) for before, after, said in rows]


def requote(desk: Desk, minutes: int = 5) -> None:
    desk.later(minutes)
    desk.quote(CALL, "1.49", "1.51")


def test_a_shadow_exit_is_recorded_and_never_sent(desk: Desk, shadow: Any) -> None:
    shadow(TIGHT)
    report = desk.tick()
    assert [one.decision for one in report.decisions] == ["HOLD"]
    assert told(report) == [("a", "loose", None), ("a", "tight", "STOP_LOSS")]
    columns = "position_id, name, decision, exit_action, exit_quantity, urgency, dry_run"
    assert sorted(kept(desk, columns)) == [
        ("a", "loose", "HOLD", None, None, None, False),
        ("a", "tight", "EXIT", "FULL", 1, "FAST", False),
    ]
    assert desk.rows("SELECT id FROM orders") == []
    assert report.executed.notes == {}
    assert desk.position("a").open_quantity == 1


def test_what_is_really_sent_is_not_changed_by_a_shadow(desk: Desk, shadow: Any) -> None:
    desk.quote(CALL, "1.39", "1.41")
    shadow("never=stop_loss=off")
    report = desk.tick()
    assert [one.exit_reason for one in report.decisions] == ["STOP_LOSS"]
    assert told(report) == [("a", "never", None)]
    assert [row["status"] for row in desk.rows("SELECT status FROM orders")] == ["FILLED"]


def test_a_shadow_stands_alone_whatever_the_position_and_the_launch_say(
    desk: Desk, shadow: Any
) -> None:
    desk.hold("own", PUT, policy="stop_loss.percent=10")
    desk.quote(PUT, "1.49", "1.51")
    shadow("default; exact=stop_loss.percent=25")
    report = desk.tick({"dry_run": True, "policy": "stop_loss.percent=15"})
    assert told(report) == [
        ("a", "default", None), ("own", "default", None),
        ("a", "exact", "STOP_LOSS"), ("own", "exact", "STOP_LOSS"),
    ]  # fmt: skip
    hashes = {one.name: one.policy_hash for one in report.executed.decided.shadow_decisions}
    assert hashes["default"] == parse_policy().hash


def test_a_dry_run_records_shadows_of_which_nothing_is_remembered(desk: Desk, shadow: Any) -> None:
    shadow("patient=stop_loss.percent=20, stop_loss.required_hits=2")
    desk.tick({"dry_run": True})
    requote(desk)
    desk.tick()
    assert kept(desk, "dry_run") == [(True,), (False,)]
    assert counts(desk) == [(0, 1, "HOLD"), (0, 1, "HOLD")]


def test_a_shadow_counts_its_own_confirmations(desk: Desk, shadow: Any) -> None:
    """The real policy counts none, and the shadow fires at its own third tick."""
    shadow("patient=stop_loss.percent=20, stop_loss.required_hits=3")
    for _ in range(4):
        desk.tick()
        requote(desk)
    assert counts(desk) == [(0, 1, "HOLD"), (1, 2, "HOLD"), (2, 3, "EXIT"), (3, 4, "EXIT")]


def test_counts_end_with_the_session_and_with_the_policy(desk: Desk, shadow: Any) -> None:
    shadow("patient=stop_loss.percent=20, stop_loss.required_hits=3")
    desk.tick()
    desk.at(new_york(MORNING.date().replace(day=18), 10))
    desk.quote(CALL, "1.49", "1.51")
    desk.tick()
    requote(desk)
    shadow("patient=stop_loss.percent=21, stop_loss.required_hits=3")
    desk.tick()
    assert counts(desk) == [(0, 1, "HOLD"), (0, 1, "HOLD"), (0, 1, "HOLD")]


def test_a_flip_stays_due_for_the_shadow_alone_also_overnight(desk: Desk, shadow: Any) -> None:
    def signal(direction: str, strength: float, hour: int, day: int) -> None:
        at = new_york(MORNING.date().replace(day=day), hour).isoformat()
        desk.rows_changed(
            "INSERT INTO refactored_gex_signals (id, symbol, timeframe, strength, direction,"
            f" timestamp) VALUES (gen_random_uuid()::text, 'ACME', '1d', {strength},"
            f" '{direction}', '{at}')"
        )

    signal("CALL", 0.9, 7, 17)
    signal("PUT", 0.1, 9, 17)
    shadow("nervous=gex_flip.strength_min=0.05")
    first = desk.tick()
    desk.at(new_york(MORNING.date().replace(day=18), 15))
    desk.quote(CALL, "1.49", "1.51")
    second = desk.tick()
    assert [told(one) for one in (first, second)] == 2 * [[("a", "nervous", "GEX_FLIP")]]
    assert kept(desk, "gex_latched, gex_latched_after") == [(False, True), (True, True)]
    assert [one.gex_latched_after for one in (*first.decisions, *second.decisions)] == [False] * 2


def test_a_tick_that_is_begun_again_records_each_shadow_once(desk: Desk, shadow: Any) -> None:
    shadow(TIGHT)
    first = desk.tick()
    made = first.executed.decided.shadow_decisions
    store = desk.database.shadow_decisions
    assert store.record(made) == 0
    assert tuple(store.of_runs([one.run_id for one in made])) == made


def test_a_policy_at_fault_is_an_alert_and_the_others_are_decided(desk: Desk, shadow: Any) -> None:
    shadow("broken=stop_loss.percent=lots; unknown=nobodys; tight=stop_loss.percent=20")
    report = desk.tick()
    assert told(report) == [("a", "tight", "STOP_LOSS")]
    assert alerts(desk) == {("SHADOW_NOT_DECIDED", "broken"), ("SHADOW_NOT_DECIDED", "unknown")}
    (said,) = desk.rows("SELECT message FROM alerts WHERE subject = 'broken'")
    assert said["message"].startswith("policy threshold stop_loss.percent = 'lots' is not usable")


def test_a_store_that_fails_is_an_alert_and_due_exits_are_sent(
    desk: Desk, shadow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        message = "disk full"
        raise RuntimeError(message)

    monkeypatch.setattr(PostgresShadowDecisions, "record", fail)
    shadow(TIGHT)
    desk.quote(CALL, "1.39", "1.41")
    report = desk.tick()
    assert [row["status"] for row in desk.rows("SELECT status FROM orders")] == ["FILLED"]
    assert told(report) == []
    assert alerts(desk) == {("SHADOW_NOT_DECIDED", "shadow policies")}


def test_a_shadow_may_name_the_table_of_rules(desk: Desk, shadow: Any) -> None:
    desk.rows_changed(
        "INSERT INTO exit_rules (mode, active, stop_loss_percent) VALUES ('PAPER', true, 22)"
    )
    shadow("table=exit_rules")
    assert told(desk.tick()) == [("a", "table", "STOP_LOSS")]


@pytest.mark.parametrize("positions", [1, 30], ids=["one position", "thirty"])
def test_shadows_cost_three_statements_a_tick_and_without_them_none(
    database_url: str, shadow: Any, positions: int
) -> None:
    desk = Desk(database_url)
    desk.quote(CALL, "1.99", "2.01")
    for number in range(positions):
        desk.hold(f"p{number}")
    seen: list[str] = []
    event.listen(desk.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))

    def statements() -> int:
        seen.clear()
        desk.tick({"dry_run": True})
        return len(seen)

    without = statements()
    assert not any("shadow" in one for one in seen)
    shadow(TIGHT)
    assert statements() == without + 3


@pytest.mark.parametrize(
    ("real", "other", "differs"),
    [(None, None, False), (None, 1, True), (2, 1, True), (2, 2, False), (1, None, True)],
    ids=["both hold", "only it leaves", "it leaves less", "both leave", "it holds"],
)
def test_a_shadow_differs_where_it_would_close_another_quantity(
    real: int | None, other: int | None, differs: bool
) -> None:
    def quantity(of: type[Any], quantity: int | None) -> Any:
        values = dict.fromkeys(of.__dataclass_fields__)
        own = {"run_id": "r", "position_id": "a", "exit_quantity": quantity}
        return of(**values | own | ({"name": "n"} if of is ShadowDecision else {}))

    found = differing([quantity(ShadowDecision, other)], [quantity(StoredDecision, real)])
    assert found == {"n": ["a"] if differs else []}
