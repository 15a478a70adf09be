"""The commands about exit orders and alerts."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from exit_pipeline.cli import person
from exit_pipeline.core.model.record import Alert
from exit_pipeline_tests.desk import CALL, FAR_CALL, Desk

Run = Callable[..., Any]
Refusal = Callable[..., str]


@pytest.fixture
def desk(database_url: str) -> Desk:
    """A desk with a filled order of ``a``, a partly filled one of ``b``, and a user's own."""
    desk = Desk(database_url)
    desk.hold("a")
    desk.quote(CALL, "3.15", "3.25")
    desk.tick()
    desk.later()
    desk.hold("b", FAR_CALL, quantity=4)
    desk.quote(FAR_CALL, "3.15", "3.25", size=1)
    desk.tick()
    desk.rows_changed(
        "INSERT INTO orders (client_order_id, refactored_position_id, exit_action, exit_quantity,"
        " status, created_at, error_message)"
        " VALUES (NULL, 'a', 'FULL', 1, 'UNKNOWN', '2020-01-01T00:00Z', 'who knows')"
    )
    return desk


def listed(run: Run, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run("orders", *arguments, "--json").stdout)
    return found


def test_orders_are_listed_the_newest_first_with_all_that_a_person_asks(
    run: Run, desk: Desk
) -> None:
    assert desk.position("a").status == "CLOSED"
    b, a, old = listed(run)
    assert [one["position_id"] for one in (b, a, old)] == ["b", "a", "a"]
    assert (b["status"], b["filled_quantity"], b["quantity"]) == ("PARTIAL_FILL", 1, 2)
    assert (a["status"], a["exit_reason"], a["attempt"], a["step"]) == (
        "FILLED",
        "PROFIT_TARGET",
        1,
        0,
    )
    assert None not in (a["limit_price"], a["worst_price"], a["average_price"])
    assert (old["status"], old["why"], old["client_order_id"]) == ("UNKNOWN", "who knows", None)
    shown = run("orders").stdout
    for text in ("2026-03-17 10:05", "SELL_TO_CLOSE", "1/2", "PROFIT_TARGET", "who knows"):
        assert text in shown


@pytest.mark.parametrize(
    ("arguments", "positions"),
    [
        (["--open"], ["b", "a"]),
        (["--position", "b"], ["b"]),
        (["--environment", "paper"], ["b", "a"]),
        (["--environment", "paper", "--position", "a"], ["a"]),
        (["--environment", "live"], []),
    ],
    ids=" ".join,
)
def test_orders_are_chosen(
    run: Run, desk: Desk, arguments: list[str], positions: list[str]
) -> None:
    assert desk.position("b").open_quantity == 3
    assert [one["position_id"] for one in listed(run, *arguments)] == positions


def test_an_order_is_escalated_as_long_as_nobody_acknowledged_it(run: Run, desk: Desk) -> None:
    alert = Alert(severity="CRITICAL", cause="EXIT_ESCALATED", subject="b", message="It waits.")
    desk.database.runs.raise_alerts([alert])
    assert [one["escalated"] for one in listed(run)] == [True, False, False]
    assert "PARTIAL_FILL escalated" in run("orders").stdout
    run("alerts", "acknowledge", "--all")
    assert [one["escalated"] for one in listed(run)] == [False, False, False]


def test_without_orders_and_alerts_it_says_so(run: Run) -> None:
    assert run("orders").stdout == "No exit orders.\n"
    assert run("alerts").stdout == "No alerts that nobody has acknowledged.\n"
    assert run("alerts", "--all").stdout == "No alerts.\n"


@pytest.fixture
def raised(database_url: str, run: Run) -> list[str]:
    """The ids of three alerts, the newest first."""
    desk = Desk(database_url)
    for severity, subject in (("INFO", "x"), ("WARNING", "y"), ("CRITICAL", "[z]")):
        alert = Alert(severity=severity, cause="C", subject=subject, message=f"See {subject}.")
        desk.database.runs.raise_alerts([alert])
    return [one["id"] for one in json.loads(run("alerts", "--json").stdout)]


def test_alerts_are_listed_until_somebody_acknowledges_them(run: Run, raised: list[str]) -> None:
    assert "See [z]." in run("alerts").stdout
    shown = run("alerts", "acknowledge", raised[0], raised[1][:8]).stdout
    assert "CRITICAL C [z]: See [z]." in shown
    assert shown.endswith("2 alerts acknowledged, 0 were before\n")
    assert [one["id"] for one in json.loads(run("alerts", "--json").stdout)] == [raised[2]]
    every = json.loads(run("alerts", "--all", "--json").stdout)
    assert [one["acknowledged_by"] for one in every] == [person.who(), person.who(), None]
    assert person.who() in run("alerts", "--all").stdout


def test_acknowledging_again_changes_nothing(run: Run, raised: list[str]) -> None:
    run("alerts", "acknowledge", raised[0])
    before = run("alerts", "--all", "--json").stdout
    assert run("alerts", "acknowledge", raised[0]).stdout.endswith(
        "0 alerts acknowledged, 1 were before\n"
    )
    assert run("alerts", "--all", "--json").stdout == before
    assert run("alerts", "acknowledge", "--all").stdout.endswith(
        "2 alerts acknowledged, 0 were before\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "acknowledge was given neither; expected either ids of alerts or --all"),
        (["abc", "--all"], "acknowledge was given both; expected either ids of alerts or --all"),
        (["nothing"], "ID is 'nothing', which is no alert's; expected an id of: exit-pipeline"
         " alerts --all"),
        ([""], "ID is '', which is no alert's; expected an id of: exit-pipeline alerts --all"),
    ],
    ids=["nothing", "both", "unknown", "empty"],
)  # fmt: skip
def test_what_names_no_alert_is_one_sentence(
    refusal: Refusal, raised: list[str], arguments: list[str], said: str
) -> None:
    assert raised
    assert refusal("alerts", "acknowledge", *arguments) == said


def test_the_beginning_of_several_ids_is_one_sentence(
    run: Run, refusal: Refusal, raised: list[str], database_url: str
) -> None:
    first = raised[0]
    desk = Desk(database_url)
    twin = first[:8] + "-0000-4000-8000-000000000000"
    desk.rows_changed(f"UPDATE alerts SET id = '{twin}' WHERE id = '{raised[1]}'")
    assert "is how 2 of them begin" in refusal("alerts", "acknowledge", first[:8])
    run("alerts", "acknowledge", first)
