from datetime import date, timedelta
from email.utils import format_datetime

import pytest

from exit_pipeline.adapters.clients.address import Address
from exit_pipeline.adapters.clients.http import HttpClient, RateLimits, RequestFailed
from exit_pipeline.adapters.clients.skew import SkewMeter
from exit_pipeline_tests.fake_brokers.server import LocalServer, Reply, json_reply
from exit_pipeline_tests.fakes import FixedClock, new_york

TEN = new_york(date(2026, 12, 2), 10)
MINUTE = timedelta(minutes=1)


def dated(at):
    return {"date": format_datetime(at, usegmt=True)}


@pytest.mark.parametrize(
    ("headers", "skew"),
    [
        pytest.param(dated(TEN + MINUTE), MINUTE, id="ahead of ours"),
        pytest.param(dated(TEN - MINUTE), timedelta(seconds=-59), id="behind ours"),
        pytest.param(dated(TEN), timedelta(0), id="the same"),
        pytest.param({}, None, id="no time"),
        pytest.param({"date": "yesterday"}, None, id="no date"),
        pytest.param(dated(TEN + MINUTE) | {"age": "45"}, None, id="out of a cache"),
        pytest.param(dated(TEN + MINUTE) | {"age": "0"}, MINUTE, id="not out of a cache"),
    ],
)
def test_an_answer_tells_the_skew_by_its_date(headers, skew):
    meter = SkewMeter(FixedClock(TEN))
    meter.learn(headers, meter.now())
    assert meter.newest == skew


def test_a_clock_that_was_set_back_on_the_way_tells_nothing():
    clock = FixedClock(TEN)
    meter = SkewMeter(clock)
    asked_at = meter.now()
    clock.advance(-MINUTE)
    meter.learn(dated(TEN + MINUTE), asked_at)
    assert meter.newest is None


def test_every_answer_is_measured_also_one_that_fails_and_the_newest_counts():
    clock, skew = FixedClock(TEN), MINUTE

    def fail(_request) -> Reply:
        return json_reply({}, 500)

    with LocalServer(fail, now=lambda: clock.now() + skew) as server:
        client = HttpClient(
            vendor="acme",
            address=Address(host="api.acme.test", local=server.url),
            headers={},
            limits=RateLimits(),
            clock=clock,
        )
        assert client.skew.newest is None
        for skew in (MINUTE, -MINUTE):
            with pytest.raises(RequestFailed):
                client.request("POST", "/v1/orders")
            assert client.skew.newest is not None
            assert abs(client.skew.newest - skew) <= timedelta(seconds=1)
        client.close()
