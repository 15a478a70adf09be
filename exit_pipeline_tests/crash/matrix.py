"""Every crash run there is: each point in each story at each broker, and pairs of points."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Final
from zlib import crc32

from exit_pipeline_tests.crash.lab import Case, Kill
from exit_pipeline_tests.crash.scenarios import EVERYWHERE, SCENARIOS

PAIRS: Final[Mapping[str, tuple[str, ...]]] = {
    "a plain exit": (
        "orders.record_intent.before_commit", "orders.record_intent.after_commit",
        "orders.sending.before_commit", "orders.sending.after_commit",
        "broker.submit.first_byte", "broker.submit.written",
        "broker.submit.before_commit", "broker.submit.after_commit",
        "orders.book.before_commit", "orders.book.after_commit",
    ),
    "a stop is repriced": (
        "orders.begin_cancel.before_commit", "orders.begin_cancel.after_commit",
        "broker.cancel.written", "broker.cancel.before_commit", "broker.cancel.after_commit",
        "broker.cancel.after", "orders.book.before_commit", "orders.book.after_commit",
        "orders.record_intent.after_commit", "broker.submit.written",
        "broker.submit.after_commit",
    ),
    "a partial fill, then the rest": (
        "broker.submit.written", "broker.submit.after_commit", "orders.sending.after",
        "orders.book.before_commit", "orders.book.after_commit", "broker.find_order.before",
        "broker.find_order.after",
    ),
}  # fmt: skip
"""The money paths (an order, a cancel with what replaces it, a fill): each of these points is
killed at, and then each of them in what the next ticks do."""


def stories() -> Iterator[Case]:
    """Every story at every broker, with nothing killed."""
    for name, scenario in SCENARIOS.items():
        for broker in scenario.brokers:
            yield Case(scenario=name, broker=broker)


def singles(passed: Mapping[Case, Mapping[str, int]]) -> Iterator[Case]:
    """One kill at each point that a story passes; which passing of several is spread evenly.

    Args:
        passed: How often each story passed each point where nothing was killed.
    """
    for story, points in passed.items():
        for point, count in sorted(points.items()):
            lot = crc32(f"{story}{point}".encode())
            yield Case(
                scenario=story.scenario,
                broker=story.broker,
                kills=(Kill(point, 1 + lot % count),),
                again=bool(lot // count % 2),
            )


def pairs(passed: Mapping[Case, Mapping[str, int]]) -> Iterator[Case]:
    """Two kills on one money path: the last passing of a point, and the first of one after it."""
    for (name, points), broker in product(PAIRS.items(), EVERYWHERE):
        counts = passed[Case(scenario=name, broker=broker)]
        for first, second in product(_passed(points, counts), repeat=2):
            yield Case(
                scenario=name,
                broker=broker,
                kills=(Kill(first, counts[first]), Kill(second)),
                again=bool(crc32(f"{broker}{first}{second}".encode()) % 2),
            )


def _passed(points: Iterable[str], counts: Mapping[str, int]) -> list[str]:
    return [point for point in points if counts.get(point)]
