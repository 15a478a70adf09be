"""What a run came to for each position; every status also occurs in the tests of the service."""

import pytest

from exit_pipeline.services.outcomes import outcomes
from exit_pipeline_tests.desk import CALL, Desk


@pytest.fixture
def desk(database_url: str) -> Desk:
    desk = Desk(database_url)
    desk.hold("a")
    desk.hold("b", entry="1.00")
    desk.quote(CALL, "2.00", "2.10")
    return desk


def test_there_is_one_for_each_position_by_id_also_for_what_the_run_did_not_decide(
    desk: Desk,
) -> None:
    held = desk.database.positions.open_positions("paper")
    report = desk.tick({"position_ids": ["b"]})
    found = outcomes(report, in_scope=held, working=[])
    assert [(one.position_id, one.status) for one in found] == [("a", "SKIPPED"), ("b", "FILLED")]
    assert found[0].reason == "it was not decided by this run"
    assert (found[0].symbol, found[0].open_quantity) == (CALL, 1)


def test_a_dry_run_tells_of_no_order_though_one_works(desk: Desk) -> None:
    desk.stand_apart()
    desk.quote(CALL, "2.00", "2.10")
    desk.tick()
    working = desk.database.orders.live_orders("paper", ["desk"])
    assert [order.position_id for order in working] == ["b"]
    desk.later(1)
    desk.quote(CALL, "2.00", "2.10")
    (_, b) = outcomes(desk.tick({"dry_run": True}), in_scope=[], working=working)
    assert (b.status, b.client_order_id) == ("DRY_RUN", None)


def test_an_exit_that_is_not_sent_begins_with_why(desk: Desk) -> None:
    desk.rows_changed("UPDATE refactored_positions SET managed = false WHERE id = 'b'")
    (_, b) = outcomes(desk.tick(), in_scope=[], working=[])
    assert b.status == "SKIPPED"
    assert b.reason.startswith("not sent: imported and not managed yet")
    assert b.exit_reason == "PROFIT_TARGET"
