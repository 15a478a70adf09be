"""The switch over HTTP."""

from typing import Any

import pytest

from exit_pipeline.core.model.errors import ConfigurationError
from exit_pipeline.web.desk import Desk as ServiceDesk
from exit_pipeline_tests.desk import CALL, Desk
from exit_pipeline_tests.web.caller import Caller

CALLER = "HTTP from 192.0.2.7"
MOVES = "SELECT from_state, to_state, reason, changed_by FROM trading_control_changes ORDER BY seq"


def moves(desk: Desk) -> list[tuple[str, ...]]:
    return [tuple(row.values()) for row in desk.rows(MOVES)]


@pytest.mark.parametrize(
    ("body", "state", "reason"),
    [
        (None, "HALT_NEW", ""),
        ({}, "HALT_NEW", ""),
        ({"reason": "odd fills"}, "HALT_NEW", "odd fills"),
        ({"state": "CANCEL_ALL"}, "CANCEL_ALL", ""),
        ({"state": "FREEZE", "reason": " two\nlines "}, "FREEZE", "two lines"),
    ],
    ids=str,
)
def test_a_halt_is_kept_with_its_reason_and_who_asked(
    client: Caller, desk: Desk, body: Any, state: str, reason: str
) -> None:
    answer = client.post("/halt", json=body) if body is not None else client.post("/halt")
    assert answer.status_code == 200
    found = answer.json()
    assert (found["state"], found["was"]) == (state, "ACTIVE")
    assert (found["reason"], found["changed_by"]) == (reason, CALLER)
    assert (found["cancels"], found["not_cancelled"]) == ([], "")
    assert moves(desk) == [("ACTIVE", state, reason, CALLER)]


def test_a_halt_needs_no_broker(client: Caller, desk: Desk, service: ServiceDesk) -> None:
    def none() -> Any:
        message = "EXIT_BROKER is 'robinhood'"
        raise ConfigurationError(message)

    service.resources = none
    assert client.post("/halt").status_code == 200
    assert moves(desk)[0][1] == "HALT_NEW"


def test_cancel_all_cancels_at_once_and_says_what_became_of_each_order(
    client: Caller, desk: Desk
) -> None:
    desk.stand_apart()
    desk.quote(CALL, "4.00", "4.10")
    desk.tick()
    (cancel,) = client.post("/halt", json={"state": "CANCEL_ALL"}).json()["cancels"]
    assert (cancel["position_id"], cancel["has_ended"]) == ("a", True)
    assert (cancel["said"], cancel["filled_quantity"]) == ("is CANCELLED", 0)
    assert desk.rows("SELECT status FROM orders") == [{"status": "CANCELLED"}]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConfigurationError("EXIT_BROKER is 'robinhood'"), "EXIT_BROKER is 'robinhood'"),
        (RuntimeError("the inside"), "an error that nobody expected, see the program's log"),
    ],
    ids=["a setting", "unexpected"],
)
def test_where_nothing_can_be_cancelled_it_is_told_that_trading_is_halted_all_the_same(
    client: Caller, desk: Desk, service: ServiceDesk, error: Exception, said: str
) -> None:
    """A halt that had moved the switch was answered with 503, as if it had not."""

    def none() -> Any:
        raise error

    service.resources = none
    answer = client.post("/halt", json={"state": "CANCEL_ALL"})
    assert answer.status_code == 200
    assert answer.json()["not_cancelled"] == (
        f"trading is halted, but no order was asked for its cancel yet: {said}"
    )
    assert moves(desk)[0][1] == "CANCEL_ALL"


def test_a_halt_loosens_nothing(client: Caller, desk: Desk) -> None:
    client.post("/halt", json={"state": "FREEZE"})
    answer = client.post("/halt")
    assert answer.status_code == 400
    assert "trading is in FREEZE, which is stricter" in answer.json()["error"]
    assert len(moves(desk)) == 1


def test_a_resume_ends_a_halt_and_a_second_one_changes_nothing(client: Caller, desk: Desk) -> None:
    client.post("/halt", json={"reason": "odd fills"})
    found = client.post("/resume", json={"reason": "they were right"}).json()
    assert (found["state"], found["was"]) == ("ACTIVE", "HALT_NEW")
    again = client.post("/resume", json={"reason": "again"}).json()
    assert (again["state"], again["was"]) == ("ACTIVE", "ACTIVE")
    assert moves(desk)[1:] == [("HALT_NEW", "ACTIVE", "they were right", CALLER)]


MISTAKES = [
    ("/resume", "", "reason in the body: Field required"),
    ("/resume", '{"reason": ""}', "reason in the body: String should have at least 1"),
    ("/resume", '{"reason": " \\u0007 "}', "reason is empty; expected why trading may go on"),
    ("/resume", '{"reason": null}', "reason in the body: Input should be a valid string"),
    ("/resume", '{"raeson": "x"}', "in the body: "),
    ("/halt", '{"state": "ACTIVE"}', "state in the body: Input should be 'HALT_NEW'"),
    ("/halt", '{"state": "freeze"}', "state in the body: Input should be 'HALT_NEW'"),
    ("/halt", "state=FREEZE", "the body is not understood; expected a JSON object with"),
    ("/halt", '{"reason": "' + "x" * 1_001 + '"}', "reason in the body: String should have"),
]


def test_what_is_not_understood_moves_nothing(
    client: Caller, desk: Desk, subtests: pytest.Subtests
) -> None:
    client.post("/halt", json={"reason": "before"})
    for path, body, said in MISTAKES:
        with subtests.test(body[:40], path=path):
            answer = client.post(path, content=body)
            assert answer.status_code == 400
            assert said in answer.json()["error"]
    assert len(moves(desk)) == 1


def test_a_state_in_the_query_is_refused_rather_than_ignored(client: Caller, desk: Desk) -> None:
    answer = client.post("/halt", params={"state": "FREEZE"})
    assert answer.status_code == 400
    assert "the query has 'state', which is not known; expected none" in answer.json()["error"]
    assert moves(desk) == []
