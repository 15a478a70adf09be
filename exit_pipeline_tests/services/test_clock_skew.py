"""What a wrong clock does to a tick, at each vendor: no request more, an alert, and no order."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import stamina

from exit_pipeline_tests.desk import CALL, FAR_CALL, MORNING
from exit_pipeline_tests.vendor_desks import VENDORS, VendorDesk

ALERTS = "SELECT severity, subject, message FROM alerts WHERE cause = 'CLOCK_SKEW' ORDER BY 1"


@pytest.fixture(params=sorted(VENDORS))
def desk(request: pytest.FixtureRequest, database_url: str) -> Iterator[VendorDesk]:
    with stamina.set_testing(True, attempts=2), VENDORS[request.param](database_url) as made:
        yield made


def hold_a_working_order(desk: VendorDesk) -> None:
    """Its look-up is what a later tick measures by."""
    desk.hold_at_vendor("works", FAR_CALL)
    desk.quote(FAR_CALL, "3.15", "3.25")
    desk.tick_anew()
    desk.later()


@pytest.mark.parametrize("seconds", [0, 2, -2, 0.4])
def test_a_clock_within_two_seconds_is_as_good_as_right(desk, seconds):
    desk.fake.skew = timedelta(seconds=seconds)
    desk.hold_at_vendor("one")
    desk.quote(CALL, "3.15", "3.25")
    report = desk.tick_anew()
    assert report.executed.notes == {}
    assert desk.posts() == 1
    assert desk.rows(ALERTS) == []


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        pytest.param(30, "30.0 s behind the broker's", id="ours is behind"),
        pytest.param(-30, "29.0 s ahead of the broker's", id="ours is ahead"),
        pytest.param(60, "60.0 s behind the broker's", id="as far as may be"),
    ],
)
def test_a_clock_that_is_off_is_an_alert_and_orders_go(desk, seconds, said):
    hold_a_working_order(desk)
    desk.fake.skew = timedelta(seconds=seconds)
    desk.hold_at_vendor("one")
    desk.quote(CALL, "3.15", "3.25")
    desk.quote(FAR_CALL, "3.15", "3.25")
    desk.tick_anew()
    assert desk.posts() == 2
    message = f"this machine's clock is {said}; set it by a time server"
    assert [tuple(row.values()) for row in desk.rows(ALERTS)] == [
        ("WARNING", desk.account, message)
    ]


def test_a_clock_that_is_a_minute_off_sends_nothing_and_all_is_decided(desk):
    hold_a_working_order(desk)
    desk.fake.skew = timedelta(seconds=75)
    desk.hold_at_vendor("one")
    desk.hold_at_vendor("two", "ACME260417P00100000")
    for symbol in (CALL, FAR_CALL, "ACME260417P00100000"):
        desk.quote(symbol, "3.15", "3.25")
    report = desk.tick_anew()
    note = "not sent: this machine's clock is 75.0 s behind the broker's, more than 60 s"
    assert report.executed.notes["one"] == report.executed.notes["two"] == note
    assert {one.position_id for one in report.decisions if one.decision == "EXIT"} >= {"one", "two"}
    assert desk.posts() == 1
    (alert,) = desk.rows(ALERTS)
    assert tuple(alert.values()) == ("CRITICAL", f"{desk.account}: nothing is sent", note)

    desk.fake.skew = timedelta(0)
    desk.later()
    for symbol in (CALL, FAR_CALL, "ACME260417P00100000"):
        desk.quote(symbol, "3.15", "3.25")
    desk.tick_anew()
    assert desk.posts() == 3


def test_whose_account_it_is_tells_before_the_first_order(desk):
    desk.fake.skew = timedelta(seconds=75)
    desk.hold_at_vendor("one")
    desk.hold_at_vendor("two", FAR_CALL)
    desk.quote(CALL, "3.15", "3.25")
    desk.quote(FAR_CALL, "3.15", "3.25")
    report = desk.tick_anew()
    assert desk.posts() == 0
    assert sorted(report.executed.notes) == ["one", "two"]


def test_the_skew_costs_no_request(desk):
    desk.hold_at_vendor("one")
    desk.quote(CALL, "2.00", "2.04")
    desk.fake.skew = timedelta(seconds=75)
    desk.tick_anew()
    server = getattr(desk.fake, "server", desk.fake)
    asked = [request.path.rsplit("/", 1)[1] for request in server.requests]
    assert asked[1:] == ["orders", "positions"]
    assert desk.rows(ALERTS) == []


def test_a_dry_run_at_another_moment_is_not_held_against_the_clock(desk):
    desk.hold_at_vendor("one")
    desk.fake.skew = timedelta(days=7)
    desk.quote(CALL, "3.15", "3.25")
    report = desk.tick_anew({"dry_run": True, "as_of": MORNING.isoformat()})
    assert report.executed.notes == {"one": "dry run: nothing is sent"}
    assert desk.rows(ALERTS) == []
