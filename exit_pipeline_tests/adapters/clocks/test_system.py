from datetime import UTC

from exit_pipeline.adapters.clocks.system import SystemClock
from exit_pipeline.ports import Clock, Waiter


def test_is_a_clock():
    assert isinstance(SystemClock(), Clock)


def test_tells_utc():
    assert SystemClock().now().tzinfo is UTC


def test_does_not_run_backwards():
    clock = SystemClock()

    assert clock.now() <= clock.now()


def test_time_passes_by_waiting():
    clock = SystemClock()
    assert isinstance(clock, Waiter)
    before = clock.now()
    clock.wait(0.001)
    assert clock.now() > before


def test_a_wait_of_less_than_nothing_is_none():
    SystemClock().wait(-5)
