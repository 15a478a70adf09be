from datetime import UTC

from exit_pipeline.adapters.clocks.system import SystemClock
from exit_pipeline.ports import Clock


def test_is_a_clock():
    assert isinstance(SystemClock(), Clock)


def test_tells_utc():
    assert SystemClock().now().tzinfo is UTC


def test_does_not_run_backwards():
    clock = SystemClock()

    assert clock.now() <= clock.now()
