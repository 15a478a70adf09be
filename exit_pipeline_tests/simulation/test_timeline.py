from datetime import UTC, datetime, timedelta

from exit_pipeline_tests.simulation.timeline import Timeline, WallClock

TEN = datetime(2026, 3, 17, 14, tzinfo=UTC)


def test_what_was_arranged_happens_in_its_order_and_at_its_time():
    timeline, seen = Timeline(TEN), []
    for minutes in (3, 1, 2):
        timeline.after(60 * minutes, lambda: seen.append(timeline.at))
    timeline.advance(150)
    assert seen == [TEN + timedelta(minutes=1), TEN + timedelta(minutes=2)]
    assert timeline.at == TEN + timedelta(seconds=150)


def test_what_happens_may_arrange_more():
    timeline, seen = Timeline(TEN), []
    timeline.after(10, lambda: timeline.after(10, lambda: seen.append(timeline.monotonic())))
    timeline.advance(30)
    assert seen == [20.0]


def test_time_never_goes_back():
    timeline = Timeline(TEN)
    timeline.advance_to(TEN - timedelta(hours=1))
    assert timeline.at == TEN


def test_a_wall_clock_may_be_wrong():
    timeline = Timeline(TEN)
    clock = WallClock(timeline)
    clock.offset = timedelta(hours=-1)
    timeline.advance(5)
    assert clock.now() == TEN + timedelta(seconds=5) - timedelta(hours=1)
