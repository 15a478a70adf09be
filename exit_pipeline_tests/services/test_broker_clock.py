from datetime import date, datetime, time, timedelta

import pytest

from exit_pipeline.core.model.broker_time import BrokerTime
from exit_pipeline.services.broker_clock import check_broker_clock
from exit_pipeline_tests.fakes import FakeCalendar, FixedClock, new_york

TUESDAY, WEDNESDAY = date(2026, 3, 17), date(2026, 3, 18)
TEN = new_york(TUESDAY, 10)
OPENS, CLOSES = new_york(WEDNESDAY, 9, 30), new_york(TUESDAY, 16)
AGREES = "its session is that of XNYS, now open"


class ABroker:
    """Tells one time."""

    def __init__(
        self,
        at: datetime,
        is_open: bool = True,
        next_open: datetime | None = OPENS,
        next_close: datetime | None = CLOSES,
    ) -> None:
        self._told = BrokerTime(at=at, is_open=is_open, next_open=next_open, next_close=next_close)

    def broker_time(self) -> BrokerTime:
        return self._told


def check(broker: ABroker, calendar: FakeCalendar | None = None):
    return check_broker_clock(
        broker, calendar=calendar or FakeCalendar(), clock=FixedClock(TEN + timedelta(seconds=0.4))
    )


@pytest.mark.parametrize(
    ("seconds", "said", "may_send"),
    [
        pytest.param(0, "skew below a second", True, id="the same second"),
        pytest.param(2, "skew 1.6 s", True, id="within two seconds"),
        pytest.param(4, "this machine's clock is 3.6 s behind the broker's: set it by a time "
                     "server", True, id="off"),
        pytest.param(-4, "this machine's clock is 3.4 s ahead of the broker's: set it by a time "
                     "server", True, id="off the other way"),
        pytest.param(61, "this machine's clock is 60.6 s behind the broker's, by which nothing is "
                     "sent: set it by a time server", False, id="far off"),
    ],
)  # fmt: skip
def test_the_skew_is_said_and_decides_whether_orders_go(seconds, said, may_send):
    found = check(ABroker(TEN + timedelta(seconds=seconds)))
    assert (found.said, found.may_send) == (f"{said}; {AGREES}", may_send)


@pytest.mark.parametrize(
    ("broker", "said"),
    [
        pytest.param(ABroker(TEN), AGREES, id="agrees"),
        pytest.param(ABroker(TEN, next_open=None), AGREES, id="tells only the close"),
        pytest.param(ABroker(TEN, next_open=None, next_close=None), AGREES, id="tells neither"),
        pytest.param(
            ABroker(TEN, is_open=False), "its session is closed, XNYS is open", id="closed"
        ),
        pytest.param(
            ABroker(TEN, next_close=new_york(TUESDAY, 13)),
            "it closes at 13:00 on 2026-03-17, XNYS does not",
            id="a short day that ours does not have",
        ),
        pytest.param(
            ABroker(TEN, next_open=new_york(date(2026, 3, 21), 9, 30)),
            "it opens at 09:30 on 2026-03-21, XNYS does not",
            id="opens on a Saturday",
        ),
    ],
)
def test_the_sessions_are_compared(broker, said):
    assert check(broker).said == f"skew below a second; {said}"


def test_a_broker_that_is_open_on_our_short_day_is_said():
    calendar = FakeCalendar(early_closes={TUESDAY: time(13)})
    broker = ABroker(new_york(TUESDAY, 14), next_open=None)
    assert check(broker, calendar).said.endswith("its session is open, XNYS is closed")
