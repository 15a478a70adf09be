"""The exit job over HTTP, as scripts call it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import dagster as dg
import pytest

from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.defs.jobs import exit_job
from exit_pipeline.defs.one_run import OneRun
from exit_pipeline.web.desk import Desk as ServiceDesk
from exit_pipeline_tests.desk import CALL, FAR_CALL, TUESDAY, Desk
from exit_pipeline_tests.fakes import new_york
from exit_pipeline_tests.web.caller import Caller

WORKER = "/refactored-exit-worker"
REQUESTS = "SELECT position_id, reason, requested_by, consumed_by FROM exit_requests"


def results(answer: Any) -> dict[str, dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return {one["position_id"]: one for one in answer.json()["results"]}


def runs_in(desk: Desk) -> list[dict[str, Any]]:
    return desk.rows("SELECT * FROM decision_runs")


def test_a_hold_is_answered_with_its_reason_and_kept(
    client: Caller, desk: Desk, instance: dg.DagsterInstance
) -> None:
    answer = client.post(WORKER)
    body = answer.json()
    assert (body["success"], body["dry_run"], body["processed"]) == (True, False, 1)
    hold = results(answer)["a"]
    assert hold["status"] == "HOLD"
    assert hold["reason"]
    assert (hold["exit_reason"], hold["exit_action"], hold["exit_quantity"]) == (None, None, None)
    assert (hold["current_price"], hold["pnl_percent"]) == ("2.1000", 5.0)
    assert [row["dry_run"] for row in runs_in(desk)] == [False]
    run = instance.get_run_by_id(body["run_id"])
    assert run is not None
    assert (run.job_name, run.status) == ("exit_job", dg.DagsterRunStatus.SUCCESS)


def test_an_exit_is_sent_and_answered_with_the_status_of_its_order(
    client: Caller, desk: Desk
) -> None:
    desk.quote(CALL, "4.00", "4.10")
    found = results(client.post(WORKER))["a"]
    assert (found["status"], found["exit_reason"]) == ("FILLED", "PROFIT_TARGET")
    assert (found["exit_action"], found["exit_quantity"]) == ("FULL", 1)
    assert found["client_order_id"].startswith("em-paper-")
    assert desk.position("a").status == "CLOSED"


def test_an_order_that_an_earlier_run_sent_and_still_works_is_told_with_its_status(
    client: Caller, desk: Desk
) -> None:
    desk.stand_apart()
    desk.quote(CALL, "4.00", "4.10")
    first = results(client.post(WORKER))["a"]
    desk.later(1)
    desk.quote(CALL, "4.00", "4.10")
    again = results(client.post(WORKER))["a"]
    assert first["status"] == again["status"] == "ACCEPTED"
    assert again["client_order_id"] == first["client_order_id"]
    assert "working" in again["reason"]


@pytest.mark.parametrize("text", ["true", "1", "yes", "tRuE"])
def test_a_dry_run_decides_and_sends_nothing(client: Caller, desk: Desk, text: str) -> None:
    desk.quote(CALL, "4.00", "4.10")
    answer = client.post(WORKER, params={"dry_run": text})
    found = results(answer)["a"]
    assert answer.json()["dry_run"] is True
    assert (found["status"], found["exit_reason"]) == ("DRY_RUN", "PROFIT_TARGET")
    assert found["client_order_id"] is None
    assert desk.rows("SELECT * FROM orders") == []
    assert desk.position("a").status == "OPEN"
    assert [row["dry_run"] for row in runs_in(desk)] == [True]


def test_a_dry_run_may_be_refused_in_words(client: Caller) -> None:
    answer = client.post(WORKER, params={"dry_run": "No"})
    assert answer.json()["dry_run"] is False


def test_only_the_positions_that_are_asked_for_are_worked(client: Caller, desk: Desk) -> None:
    desk.hold("b")
    desk.hold("c")
    answer = client.post(WORKER, params={"position_id": ["a", "c"]})
    assert list(results(answer)) == ["a", "c"]
    assert answer.json()["processed"] == 2


def test_a_force_close_keeps_a_request_that_the_run_consumes(client: Caller, desk: Desk) -> None:
    desk.hold("b")
    answer = client.post(
        WORKER, params={"force_close": "true", "position_id": "a", "reason": "the fund closes"}
    )
    found = results(answer)["a"]
    assert (found["status"], found["exit_reason"]) == ("FILLED", "FORCE_CLOSE")
    (row,) = desk.rows(REQUESTS)
    assert row.pop("consumed_by") is not None
    assert row == {
        "position_id": "a",
        "reason": "the fund closes",
        "requested_by": "HTTP from 192.0.2.7",
    }
    assert desk.position("b").status == "OPEN"


def test_a_force_close_of_all_closes_what_a_broker_has(client: Caller, desk: Desk) -> None:
    desk.hold("b")
    desk.rows_changed(
        "INSERT INTO refactored_positions (id, symbol, direction, quantity, entry_price,"
        " entry_time) VALUES ('nobodys', 'ACME', 'CALL', 1, 2, '2026-03-16')"
    )
    found = results(client.post(WORKER, params={"force_close": "1"}))
    assert {name: one["status"] for name, one in found.items()} == {
        "a": "FILLED",
        "b": "FILLED",
        "nobodys": "HOLD",
    }
    assert {row["reason"] for row in desk.rows(REQUESTS)} == {"asked for over HTTP"}


def test_a_force_close_in_a_dry_run_writes_no_request(client: Caller, desk: Desk) -> None:
    answer = client.post(WORKER, params={"force_close": "true", "dry_run": "yes"})
    found = results(answer)["a"]
    assert (found["status"], found["exit_reason"]) == ("DRY_RUN", "FORCE_CLOSE")
    assert desk.rows(REQUESTS) == []
    assert desk.position("a").status == "OPEN"


def test_a_force_close_outside_the_session_asks_for_nothing(client: Caller, desk: Desk) -> None:
    desk.at(new_york(TUESDAY, 20))
    answer = client.post(WORKER, params={"force_close": "true"})
    assert answer.status_code == 409
    assert answer.json()["error"].startswith("force_close is true, and ")
    assert desk.rows(REQUESTS) == []
    assert runs_in(desk) == []


def test_outside_the_session_each_position_is_skipped_with_the_reason(
    client: Caller, desk: Desk
) -> None:
    desk.at(new_york(TUESDAY, 20))
    answer = client.post(WORKER)
    found = results(answer)["a"]
    assert (found["status"], answer.json()["processed"]) == ("SKIPPED", 0)
    assert "closed" in found["reason"]
    assert found["reason"] in answer.json()["notes"]


@pytest.mark.parametrize("state", ["HALT_NEW", "CANCEL_ALL", "FREEZE"])
def test_while_trading_is_halted_an_exit_is_decided_told_and_not_sent(
    client: Caller, desk: Desk, state: str
) -> None:
    desk.database.control.move(TradingState(state), "odd fills", "ann")
    desk.quote(CALL, "4.00", "4.10")
    answer = client.post(WORKER)
    found = results(answer)["a"]
    assert answer.json()["trading"] == state
    assert found["status"] in {"SKIPPED", "DENIED"}
    assert found["exit_reason"] == "PROFIT_TARGET"
    assert "halted" in found["reason"] or state in found["reason"]
    assert desk.position("a").status == "OPEN"
    assert desk.rows("SELECT * FROM paper.orders") == []


@pytest.mark.parametrize("state", ["HALT_NEW", "CANCEL_ALL", "FREEZE"])
def test_while_trading_is_halted_nobody_asks_to_close(
    client: Caller, desk: Desk, state: str
) -> None:
    """Regression: it was answered with DENIED, and the request was kept without a word of it: when
    trading was resumed within half an hour, the position was closed."""
    desk.database.control.move(TradingState(state), "odd fills", "ann")
    answer = client.post(WORKER, params={"force_close": "true", "position_id": "a"})
    assert answer.status_code == 409
    assert re.fullmatch(
        rf"force_close is true, and trading is {state} since .*, moved by ann: odd fills; "
        r"nothing was asked for",
        answer.json()["error"],
    )
    for table in ("exit_requests", "decision_runs", "orders"):
        assert desk.rows(f"SELECT * FROM {table}") == []
    rehearsed = client.post(WORKER, params={"force_close": "true", "dry_run": "true"})
    assert rehearsed.status_code == 200


def test_the_fault_of_one_position_is_in_its_own_result(client: Caller, desk: Desk) -> None:
    desk.hold("b")
    desk.rows_changed("UPDATE refactored_positions SET policy = 'stop_loss.percent=x'"
                      " WHERE id = 'b'")  # fmt: skip
    found = results(client.post(WORKER))
    assert found["a"]["status"] == "HOLD"
    assert found["b"]["status"] == "SKIPPED"
    assert found["b"]["reason"].startswith("Not decided: ")


def test_a_quote_that_is_missing_is_a_hold_of_its_own_position(client: Caller, desk: Desk) -> None:
    desk.hold("b", FAR_CALL)
    found = results(client.post(WORKER))
    assert (found["b"]["status"], found["b"]["current_price"]) == ("HOLD", None)
    assert found["a"]["current_price"] == "2.1000"


MISTAKES: list[tuple[dict[str, Any], int, str]] = [
    ({"dry_run": "maybe"}, 400, "dry_run is 'maybe'; expected one of true, 1, yes"),
    ({"dry_run": ""}, 400, "dry_run is ''; expected"),
    ({"dry_run": "on"}, 400, "dry_run is 'on'; expected"),
    ({"dry_run": " true"}, 400, "dry_run is ' true'; expected"),
    ({"dry_run": ["true", "false"]}, 400, "dry_run is given more than once"),
    ({"dryrun": "true"}, 400, "the query has 'dryrun', which is not known"),
    ({"Dry_Run": "true"}, 400, "the query has 'Dry_Run', which is not known"),
    ({"force_close": "ja"}, 400, "force_close is 'ja'; expected"),
    ({"force_close": "true", "reason": " "}, 400, "reason is ' '; expected a value"),
    ({"position_id": "x"}, 404, "position_id is 'x', which is not known in the environment"),
    ({"position_id": ["a", "x"]}, 404, "position_id is 'x', which is not known"),
    ({"position_id": ""}, 404, "position_id is '', which is not known"),
    ({"position_id": "a\x00"}, 400, "position_id is 'a\\x00'; expected at most 255"),
    ({"position_id": "a" * 300}, 400, "position_id is 'aaa"),
    ({"position_id": "' OR 1=1 --"}, 404, "which is not known"),
]


def test_what_is_not_understood_is_one_sentence_and_starts_no_run(
    client: Caller, desk: Desk, subtests: pytest.Subtests
) -> None:
    for params, status, said in MISTAKES:
        with subtests.test(str(params)):
            answer = client.post(WORKER, params=params)
            assert (answer.status_code, list(answer.json())) == (status, ["error"])
            assert said in answer.json()["error"]
    assert runs_in(desk) == []
    assert desk.rows(REQUESTS) == []


def test_a_dry_run_that_is_asked_for_in_the_body_is_no_live_run(
    client: Caller, desk: Desk, subtests: pytest.Subtests
) -> None:
    for body in ('{"dry_run": true}', "dry_run=true", "true", '{"a":'):
        with subtests.test(body):
            answer = client.post(WORKER, content=body)
            assert answer.status_code == 400
            assert "expected all in the query" in answer.json()["error"]
    assert runs_in(desk) == []


def test_a_body_that_says_nothing_is_no_mistake(client: Caller) -> None:
    for body in ("", "{}", " {} \n"):
        answer = client.post(WORKER, content=body, params={"dry_run": "1"})
        assert answer.status_code == 200


def test_a_closed_position_is_told_from_an_unknown_one(client: Caller, desk: Desk) -> None:
    client.post(WORKER, params={"force_close": "true"})
    assert desk.position("a").status == "CLOSED"
    answer = client.post(WORKER, params={"position_id": "a"})
    assert answer.status_code == 409
    assert answer.json()["error"] == (
        "position_id is 'a', which is closed; expected an open position"
    )


def test_what_no_broker_has_yet_cant_be_closed_by_its_name(client: Caller, desk: Desk) -> None:
    desk.rows_changed(
        "INSERT INTO refactored_positions (id, symbol, direction, quantity, entry_price,"
        " entry_time) VALUES ('nobodys', 'ACME', 'CALL', 1, 2, '2026-03-16')"
    )
    answer = client.post(WORKER, params={"force_close": "true", "position_id": "nobodys"})
    assert answer.status_code == 400
    assert "which no broker has yet" in answer.json()["error"]
    assert desk.rows(REQUESTS) == []


def test_of_two_calls_at_once_one_runs_and_the_other_is_told_its_run(
    client: Caller, desk: Desk, service: ServiceDesk
) -> None:
    is_inside, may_go_on = Event(), Event()

    def held_up() -> dict[str, Any]:
        is_inside.set()
        assert may_go_on.wait(60)
        return desk.resources

    service.resources = held_up
    first: list[Any] = []
    caller = Thread(target=lambda: first.append(client.post(WORKER)))
    caller.start()
    try:
        assert is_inside.wait(60)
        second = client.post(WORKER, params={"force_close": "true"})
    finally:
        may_go_on.set()
        caller.join()
    assert second.status_code == 409
    assert results(first[0])["a"]["status"] == "HOLD"
    assert second.json()["run_id"] == first[0].json()["run_id"]
    assert "works already; nothing was done" in second.json()["error"]
    assert len(runs_in(desk)) == 1
    assert desk.rows(REQUESTS) == []
    assert client.post(WORKER, params={"dry_run": "1"}).status_code == 200


def test_a_run_that_works_elsewhere_on_the_instance_is_in_the_way(
    client: Caller, desk: Desk, instance: dg.DagsterInstance
) -> None:
    status = dg.DagsterRunStatus.STARTED
    run = instance.create_run_for_job(exit_job, status=status, tags=exit_job.tags)
    answer = client.post(WORKER)
    assert (answer.status_code, answer.json()["run_id"]) == (409, run.run_id)
    assert runs_in(desk) == []


def test_a_run_whose_lease_another_process_holds_is_told_with_that_run(
    client: Caller, desk: Desk
) -> None:
    desk.tick()
    desk.rows_changed("UPDATE account_leases SET holder = 'elsewhere', expires_at = 'infinity'")
    desk.later()
    answer = client.post(WORKER)
    assert (answer.status_code, answer.json()["run_id"]) == (409, "elsewhere")
    assert "nothing was done" in answer.json()["error"]
    forced = client.post(WORKER, params={"force_close": "true"})
    assert "the request to close is kept until" in forced.json()["error"]
    assert len(desk.rows(REQUESTS)) == 1


def test_a_run_that_fails_for_a_reason_that_a_person_can_mend_says_it(
    client: Caller, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object) -> None:
        message = "the market data source did not answer"
        raise UnavailableError(message)

    monkeypatch.setattr(type(desk.database.runs), "open", silent)
    answer = client.post(WORKER)
    assert answer.status_code == 503
    assert answer.json()["error"] == "the market data source did not answer"
    assert answer.json()["run_id"]


def test_an_error_that_nobody_expected_shows_a_reference_and_nothing_of_the_inside(
    client: Caller, desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def broken(*_: object, **__: object) -> None:
        message = "password of the vault: hunter2"
        raise RuntimeError(message)

    monkeypatch.setattr(type(desk.database.decisions), "record", broken)
    answer = client.post(WORKER)
    assert answer.status_code == 500
    assert set(answer.json()) == {"error", "reference"}
    assert "hunter2" not in answer.text
    assert answer.json()["reference"] in caplog.text


def test_a_storage_of_dagster_that_does_not_answer_is_a_503(
    client: Caller, desk: Desk, service: ServiceDesk
) -> None:
    @contextmanager
    def away() -> Iterator[Any]:
        message = "connection refused"
        raise OSError(message)
        yield

    service.runs = OneRun(desk.clock, away)
    answer = client.post(WORKER)
    assert answer.status_code == 503
    assert answer.json() == {"error": "Dagster's storage did not answer; nothing was done"}
