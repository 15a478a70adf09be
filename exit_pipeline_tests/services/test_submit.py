"""Sending closing orders: their ids, their order, and what a refusal may mean."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from exit_pipeline.core.model.errors import ConfigurationError
from exit_pipeline.core.model.order import OrderReport, OrderRequest
from exit_pipeline.services.attempts import client_order_id
from exit_pipeline_tests.between import Between, is_silent
from exit_pipeline_tests.desk import CALL, FAR_CALL, PUT, Desk

INSTALLATION = "6f0c1a52-5a43-4a1b-9d0f-0d5c3a5e9b11"
NAMES = st.text(min_size=1, max_size=255)
ENVIRONMENTS = st.sampled_from(["paper", "live", "tape", "simulated"])
ATTEMPTS = st.integers(min_value=1, max_value=9_999)
IDENTITIES = st.tuples(st.uuids().map(str), ENVIRONMENTS, NAMES, NAMES, ATTEMPTS)


@given(IDENTITIES)
def test_an_order_id_fits_the_narrowest_broker_and_is_always_the_same(
    identity: tuple[str, str, str, str, int],
) -> None:
    made = client_order_id(*identity)
    assert made == client_order_id(*identity)
    assert len(made) <= 48
    assert re.fullmatch(r"em-[a-z]+-[0-9a-f]{20}-[0-9]+", made)


@given(IDENTITIES, IDENTITIES)
def test_two_identities_never_share_an_order_id(
    one: tuple[str, str, str, str, int], other: tuple[str, str, str, str, int]
) -> None:
    # The separator can't be in a name that people give, so no two names join to one text.
    assume("\x1f" not in "".join(one[:4] + other[:4]))
    assert (client_order_id(*one) == client_order_id(*other)) is (one == other)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("installation", "0b8e3c7e-1df7-4b7f-8f8e-6f1f3f6c2d10"),
        ("environment", "live"),
        ("account", "desk-2"),
        ("position_id", "b"),
        ("attempt", 2),
    ],
)
def test_each_part_of_the_identity_makes_another_order_id(part: str, value: Any) -> None:
    usual: dict[str, Any] = {
        "installation": INSTALLATION,
        "environment": "paper",
        "account": "desk",
        "position_id": "a",
        "attempt": 1,
    }
    assert client_order_id(**usual | {part: value}) != client_order_id(**usual)


def test_the_id_says_environment_and_attempt() -> None:
    made = client_order_id(INSTALLATION, "tape", "desk", "a", 3)
    assert made.startswith("em-tape-")
    assert made.endswith("-3")


@pytest.fixture
def desk(database_url: str) -> Desk:
    return Desk(database_url)


def statuses(desk: Desk) -> dict[str, str]:
    rows = desk.rows("SELECT refactored_position_id AS id, status FROM orders")
    return {row["id"]: row["status"] for row in rows}


def test_the_most_urgent_order_is_sent_first(desk: Desk) -> None:
    sent: list[str] = []

    def note(inner: Any, request: OrderRequest) -> OrderReport:
        sent.append(request.symbol)
        report: OrderReport = inner.submit(request)
        return report

    desk.broker = Between(desk.broker, submit=note)
    desk.hold("a takes its profit", CALL)
    desk.hold("b takes its profit", PUT)
    desk.hold("c stops", FAR_CALL)
    desk.quote(CALL, "3.15", "3.25")
    desk.quote(PUT, "3.15", "3.25")
    desk.quote(FAR_CALL, "1.00", "1.05")
    desk.tick()
    assert sent == [FAR_CALL, CALL, PUT]


def test_a_refusal_of_an_order_that_exists_already_adopts_it(desk: Desk) -> None:
    def send_twice(inner: Any, request: OrderRequest) -> OrderReport:
        inner.submit(request)
        report: OrderReport = inner.submit(request)
        assert report.reason.startswith("duplicate")
        return report

    desk.broker = Between(desk.broker, submit=send_twice)
    desk.hold("a")
    desk.quote(CALL, "3.15", "3.25")
    report = desk.tick()
    assert statuses(desk) == {"a": "FILLED"}
    assert report.executed.notes == {}
    assert desk.position("a").status == "CLOSED"
    calls = desk.rows("SELECT broker_call FROM adapter_logs")
    assert {"find_order", "submit"} < {call["broker_call"] for call in calls}


def test_a_real_refusal_is_booked_as_one_with_the_brokers_reason(desk: Desk) -> None:
    def sell_by_hand_before(inner: Any, request: OrderRequest) -> OrderReport:
        desk.rows_changed("DELETE FROM paper.positions")
        report: OrderReport = inner.submit(request)
        return report

    desk.broker = Between(desk.broker, submit=sell_by_hand_before)
    desk.hold("a")
    desk.quote(CALL, "3.15", "3.25")
    report = desk.tick()
    assert statuses(desk) == {"a": "REJECTED"}
    assert report.executed.notes["a"].startswith("refused: ")
    assert desk.position("a").open_quantity == 1


def test_refused_keys_place_nothing_and_the_next_tick_tries_again(desk: Desk) -> None:
    """Regression: the order stayed UNKNOWN for good, and its position was never sent again."""

    def refuse_the_keys(inner: Any, request: OrderRequest) -> OrderReport:  # noqa: ARG001
        message = "ALPACA_API_KEY is refused"
        raise ConfigurationError(message)

    real, desk.broker = desk.broker, Between(desk.broker, submit=refuse_the_keys)
    desk.hold("a")
    desk.quote(CALL, "3.15", "3.25")
    report = desk.tick()
    assert statuses(desk) == {"a": "REJECTED"}
    assert report.executed.notes["a"] == "refused: ALPACA_API_KEY is refused"
    desk.broker = real
    desk.later()
    desk.quote(CALL, "3.15", "3.25")
    desk.tick()
    assert desk.position("a").status == "CLOSED"


def test_another_order_under_our_id_is_not_taken_for_ours(desk: Desk) -> None:
    def place_another_first(inner: Any, request: OrderRequest) -> OrderReport:
        inner.submit(replace(request, quantity=1))
        report: OrderReport = inner.submit(request)
        return report

    desk.broker = Between(desk.broker, submit=place_another_first)
    desk.hold("a", quantity=4)
    desk.quote(CALL, "1.15", "1.25")
    report = desk.tick()
    assert statuses(desk) == {"a": "UNKNOWN"}
    assert "another order" in report.executed.notes["a"]
    assert desk.position("a").open_quantity == 4


def test_a_refusal_that_cant_be_looked_into_leaves_the_others_to_be_sent(desk: Desk) -> None:
    """Regression: the question after a refusal ended the op, and no later order was sent."""

    def refuse_one(inner: Any, request: OrderRequest) -> OrderReport:
        if request.symbol == CALL:
            inner.submit(request)
        report: OrderReport = inner.submit(request)
        return report

    desk.broker = Between(desk.broker, submit=refuse_one, find_order=is_silent)
    desk.hold("a", CALL)
    desk.hold("b", FAR_CALL)
    desk.quote(CALL, "3.15", "3.25")
    desk.quote(FAR_CALL, "3.15", "3.25")
    desk.tick()
    assert statuses(desk) == {"a": "UNKNOWN", "b": "FILLED"}
    assert desk.rows("SELECT cause, subject FROM alerts") == [
        {"cause": "ORDER_UNKNOWN", "subject": "a"}
    ]


def test_a_second_attempt_has_an_id_of_its_own(desk: Desk) -> None:
    desk.hold("a", quantity=4)
    for bid, ask in (("3.15", "3.25"), ("1.00", "1.05")):
        desk.quote(CALL, bid, ask)
        desk.tick()
        desk.later()
    rows = desk.rows("SELECT attempt, client_order_id FROM orders ORDER BY attempt")
    assert [row["attempt"] for row in rows] == [1, 2]
    first, second = (row["client_order_id"] for row in rows)
    assert first.rsplit("-", 1)[0] == second.rsplit("-", 1)[0]
    assert first != second


def test_a_dry_run_sends_nothing_however_urgent(desk: Desk) -> None:
    desk.hold("a")
    desk.quote(CALL, "3.15", "3.25")
    report = desk.tick({"dry_run": True, "force_close": True})
    assert report.executed.notes == {"a": "dry run: nothing is sent"}
    assert statuses(desk) == {}
