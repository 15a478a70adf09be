"""How often one caller may ask."""

from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.web.rates import MOST_CALLERS, Buckets, Rate


class Seconds:
    """Seconds that tests let pass."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def test_a_full_bucket_empties_and_fills_with_time() -> None:
    now = Seconds()
    buckets = Buckets(Rate(at_once=2, a_second=0.5), now)
    for _ in range(2):
        assert buckets.wait("a") == 0
        buckets.take("a")
    assert buckets.wait("a") == 2
    assert buckets.wait("b") == 0
    now.at = 1
    assert buckets.wait("a") == 1
    now.at = 2
    assert buckets.wait("a") == 0
    buckets.take("a")
    assert buckets.wait("a") == 2


def test_it_never_holds_more_than_its_size() -> None:
    now = Seconds()
    buckets = Buckets(Rate(at_once=1, a_second=1), now)
    buckets.take("a")
    now.at = 1_000
    buckets.take("a")
    assert buckets.wait("a") == 1


def test_callers_that_are_forgotten_are_those_that_did_not_ask_for_longest() -> None:
    buckets = Buckets(Rate(at_once=1, a_second=1), Seconds())
    buckets.take("first")
    for number in range(MOST_CALLERS - 1):
        buckets.take(str(number))
    assert buckets.wait("first") > 0
    buckets.take("one more")
    assert buckets.wait("first") == 0
    assert buckets.wait("0") > 0


@given(st.lists(st.floats(min_value=0, max_value=10), max_size=200))
def test_whoever_waits_as_told_gets_no_more_than_the_rate(pauses: list[float]) -> None:
    now, rate = Seconds(), Rate(at_once=5, a_second=2)
    buckets, taken = Buckets(rate, now), 0
    for pause in pauses:
        now.at += pause
        if buckets.wait("a") == 0:
            buckets.take("a")
            taken += 1
    assert taken <= rate.at_once + now.at * rate.a_second + 1e-6
