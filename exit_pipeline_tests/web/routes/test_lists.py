"""Positions and decisions, by page."""

from typing import Any

import pytest

from exit_pipeline_tests.desk import CALL, Desk
from exit_pipeline_tests.web.caller import Caller


def ask(client: Caller, path: str, **params: Any) -> dict[str, Any]:
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(page: dict[str, Any]) -> list[str]:
    return [one["id"] for one in page["positions"]]


def test_positions_come_by_id_with_what_the_command_line_shows(client: Caller, desk: Desk) -> None:
    desk.hold("b", quantity=3)
    page = ask(client, "/positions")
    assert (ids(page), page["next"]) == (["a", "b"], None)
    assert page["positions"][1]["option_symbol"] == CALL
    assert (page["positions"][1]["quantity"], page["positions"][1]["entry_price"]) == (3, "2.0000")


def test_positions_can_be_asked_for_by_status_and_environment(client: Caller, desk: Desk) -> None:
    desk.hold("b")
    desk.rows_changed("UPDATE refactored_positions SET status = 'CLOSED',"
                      " exited_quantity = quantity, carried_quantity = quantity"
                      " WHERE id = 'b'")  # fmt: skip
    assert ids(ask(client, "/positions", status="OPEN")) == ["a"]
    assert ids(ask(client, "/positions", status="CLOSED")) == ["b"]
    assert ids(ask(client, "/positions", environment="live")) == []


def test_pages_of_positions_have_each_once(client: Caller, desk: Desk) -> None:
    for name in ("b", "c", "d", "e"):
        desk.hold(name)
    seen, after = [], None
    while True:
        page = ask(client, "/positions", limit=2, **({"after": after} if after else {}))
        seen += ids(page)
        after = page["next"]
        if after is None:
            break
    assert seen == ["a", "b", "c", "d", "e"]


def test_decisions_come_newest_first_with_every_hold(client: Caller, desk: Desk) -> None:
    desk.tick()
    desk.later()
    desk.quote(CALL, "2.05", "2.15")
    desk.tick({"dry_run": True})
    found = ask(client, "/decisions")["decisions"]
    assert [(one["decided_at"], one["dry_run"]) for one in found] == [
        ("2026-03-17T14:05:00Z", True),
        ("2026-03-17T14:00:00Z", False),
    ]
    assert (found[0]["environment"], found[0]["account"]) == ("paper", "desk")
    assert (found[0]["decision"], found[0]["mark"]) == ("HOLD", "2.1000")
    assert found[0]["reasoning"]


def test_decisions_can_be_asked_for_by_position_and_from_a_moment_on(
    client: Caller, desk: Desk
) -> None:
    desk.hold("b")
    desk.tick()
    desk.later()
    desk.quote(CALL, "2.05", "2.15")
    desk.tick()
    of_b = ask(client, "/decisions", position_id="b")["decisions"]
    assert [one["position_id"] for one in of_b] == ["b", "b"]
    later = ask(client, "/decisions", since="2026-03-17T10:05:00-04:00")["decisions"]
    assert {one["decided_at"] for one in later} == {"2026-03-17T14:05:00Z"}
    assert ask(client, "/decisions", since="2026-03-17T14:05:00.000001Z")["decisions"] == []


def test_pages_of_decisions_have_each_once_also_those_of_one_moment(
    client: Caller, desk: Desk
) -> None:
    for name in ("b", "c"):
        desk.hold(name)
    desk.tick()
    desk.later()
    desk.quote(CALL, "2.05", "2.15")
    desk.tick()
    seen, before = [], None
    while True:
        page = ask(client, "/decisions", limit=2, **({"before": before} if before else {}))
        seen += [(one["decided_at"], one["id"]) for one in page["decisions"]]
        before = page["next"]
        if before is None:
            break
    assert len(seen) == len(set(seen)) == 6
    assert seen == sorted(seen, reverse=True)


def test_a_position_without_decisions_is_told_from_one_that_is_not_known(client: Caller) -> None:
    assert ask(client, "/decisions", position_id="a") == {"decisions": [], "next": None}
    answer = client.get("/decisions", params={"position_id": "x"})
    assert answer.status_code == 404
    assert answer.json()["error"].startswith("position_id is 'x', which is not known")


MISTAKES: list[tuple[str, dict[str, str], str]] = [
    ("/positions", {"status": "open"}, "status is 'open'; expected one of OPEN, CLOSED"),
    ("/positions", {"environment": "real"}, "environment is 'real'; expected one of paper"),
    ("/positions", {"limit": "0"}, "limit is '0'; expected a whole number from 1 to 5000"),
    ("/positions", {"after": ""}, "after is ''; expected a value"),
    ("/positions", {"account": "x"}, "the query has 'account', which is not known"),
    ("/decisions", {"limit": "1001"}, "limit is '1001'; expected a whole number from 1"),
    ("/decisions", {"since": "today"}, "since is 'today'; expected an ISO 8601 time"),
    ("/decisions", {"since": "2026-03-17T10:00:00"}, "which has no time zone"),
    ("/decisions", {"before": "x_1"}, "before is 'x_1'; expected `next` of the page before"),
    ("/decisions", {"position_id": "a\x00"}, "expected at most 255 characters"),
]


def test_what_is_not_understood_is_one_sentence(client: Caller, subtests: pytest.Subtests) -> None:
    for path, params, said in MISTAKES:
        with subtests.test(path, params=str(params)):
            answer = client.get(path, params=params)
            assert (answer.status_code, list(answer.json())) == (400, ["error"])
            assert said in answer.json()["error"]
