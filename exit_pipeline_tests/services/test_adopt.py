"""Adopting rows of the users' own tables, which no broker has yet."""

import pytest

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.services.adopt import adopt
from exit_pipeline_tests.desk import CALL, Desk, decision

ROW = (
    "INSERT INTO refactored_positions (id, symbol, direction, quantity, entry_price, entry_time,"
    " status, strike, expiration, option_type) VALUES ('{id}', 'ACME', 'CALL', 2, 2.00,"
    " '2026-03-16T15:00Z', 'OPEN', {strike}, '2026-04-17', 'CALL')"
)


@pytest.fixture
def desk(database_url: str) -> Desk:
    desk = Desk(database_url)
    desk.rows_changed(ROW.format(id="old", strike=100))
    return desk


def adopted(desk: Desk, *ids: str, account: str = "desk", policy: str | None = None) -> int:
    return adopt(ids, account, policy, broker=desk.broker, database=desk.database)


def test_an_adopted_position_is_held_by_the_broker_and_its_exit_is_sent(desk: Desk) -> None:
    assert adopted(desk, "old") == 1
    assert [(held.symbol, held.quantity) for held in desk.broker.positions("desk")] == [(CALL, 2)]
    desk.quote(CALL, "1.15", "1.25")
    report = desk.tick()
    assert decision(report, "old").exit_reason == "STOP_LOSS"
    assert desk.position("old").status == "CLOSED"


def test_a_policy_may_come_with_it(desk: Desk) -> None:
    adopted(desk, "old", policy="stop_loss.percent=60")
    desk.quote(CALL, "1.15", "1.25")
    assert decision(desk.tick(), "old").decision == "HOLD"


@pytest.mark.parametrize(
    ("ids", "account", "policy", "said"),
    [
        pytest.param(["nobody"], "desk", None, "'nobody' is not open", id="unknown"),
        pytest.param(["old", "odd"], "desk", None, "contract is not known", id="no contract"),
        pytest.param(["old"], "unassigned", None, "stands for positions", id="the pseudo-account"),
        pytest.param(["old"], "desk", "stop_los=1", "stop_los", id="bad policy"),
    ],
)
def test_what_cant_be_adopted_is_refused_and_nothing_is_changed(
    desk: Desk, ids: list[str], account: str, policy: str | None, said: str
) -> None:
    desk.rows_changed(ROW.format(id="odd", strike="NULL"))
    with pytest.raises(InputError, match=said):
        adopted(desk, *ids, account=account, policy=policy)
    assert desk.rows("SELECT * FROM paper.deposits") == []
    assert desk.rows("SELECT * FROM refactored_positions WHERE broker IS NOT NULL") == []


def test_a_position_is_adopted_once(desk: Desk) -> None:
    adopted(desk, "old")
    with pytest.raises(InputError, match="a broker has it already"):
        adopted(desk, "old", account="other")


def test_an_adoption_that_was_cut_off_is_done_again(desk: Desk) -> None:
    adopted(desk, "old")
    desk.rows_changed(
        "UPDATE refactored_positions SET broker = NULL, environment = NULL, account = NULL"
    )
    assert adopted(desk, "old") == 1
    assert [held.quantity for held in desk.broker.positions("desk")] == [2]
