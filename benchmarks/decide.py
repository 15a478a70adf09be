"""`decide` over a million rows, beside a sum() of each column it reads and a loop over objects.

Only ratios of one run are worth comparing: all three are measured in turn, on the same machine, in
the same minute. The loop is what a program without columns would be: an object per position, per
rule and per answer, the same thresholds, the same answers; making its rows is not measured.
"""

import gc
import statistics
import time
import timeit
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, ClassVar, Self

import numpy as np

from benchmarks import object_rules, optional_objects
from benchmarks.objects import Answer, Mark, ObjectRule, decide_row, rows_of
from benchmarks.random_book import random_book
from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.engine.explain import Explanation
from exit_pipeline.core.engine.policy import Policy, rule_classes
from exit_pipeline.core.model.book import Book
from exit_pipeline.core.model.decision import Decisions
from exit_pipeline.policies import parse_policy

ALL_RULES = ", ".join(f"{name}=on" for name in rule_classes())


class WatchedBook(Book):
    """A book that notes which of its columns are read, so that only those are summed."""

    read: ClassVar[set[str]] = set()

    def __getattribute__(self, name: str) -> Any:
        WatchedBook.read.add(name)
        return super().__getattribute__(name)

    def take(self, rows: object) -> Self:  # noqa: ARG002 one block holds all of it
        """The book itself, since copying its columns reads each."""
        return self


def columns_read(book: Book, policies: Sequence[Policy]) -> list[str]:
    """The columns that a decision over a book under these policies reads."""
    watched = WatchedBook(**{c.name: getattr(book, c.name) for c in fields(Book)})
    WatchedBook.read.clear()
    decide(watched, policies)
    return [c.name for c in fields(Book) if c.name in WatchedBook.read]


def objects_of(policy: Policy) -> list[ObjectRule]:
    """The policy's rules as objects."""
    name_of = {name: kind.__name__ for name, kind in rule_classes().items()}
    found = []
    for rule in policy.rules:
        name = name_of[rule.name]
        module = object_rules if hasattr(object_rules, name) else optional_objects
        found.append(getattr(module, name)(rule))
    return found


def check(answers: Sequence[tuple[Answer, Mark]], decisions: Decisions) -> None:
    """The loop and the columns must say the same of each row."""
    for kind, place in ((Answer, 0), (Mark, 1)):
        for name in {field.name for field in fields(kind)} & {c.name for c in fields(Decisions)}:
            told = np.array([getattr(answer[place], name) for answer in answers])
            np.testing.assert_array_equal(getattr(decisions, name), told, err_msg=name)


def in_turn(
    runs: int, *works: Callable[[], object], clock: Callable[[], float] = time.process_time
) -> list[float]:
    """Median seconds of each of several works, done in turn, so that what slows one slows all.

    The garbage collector is on as in any program. The processor's time is taken, which tells the
    same on a busy machine; a work that waits for another process needs ``time.perf_counter``.
    """
    taken = [
        [timeit.timeit(work, gc.enable, number=1, timer=clock) for work in works]
        for _ in range(runs)
    ]
    return [statistics.median(times) for times in zip(*taken, strict=True)]


def compare(book: Book, policy: Policy, sample: int) -> None:
    """Print the ratios of one policy."""
    part, policies = book.take(slice(sample)), [policy]
    rows, rules, limits = rows_of(part), objects_of(policy), policy.quotes
    check([decide_row(row, rules, limits) for row in rows], decide(part, policies))
    columns = [getattr(book, name) for name in columns_read(part, policies)]
    deciding, summing, looping = in_turn(
        9,
        lambda: decide(book, policies),
        lambda: [column.sum() for column in columns],
        lambda: [decide_row(row, rules, limits) for row in rows],
    )
    looping *= len(book) / sample
    held = (decide(book, policies).outcome == 0).mean()
    print(f"decide: {len(book):,} rows, {len(rules)} rules, of which {held:.0%} hold")
    print(f"  one sum() over each of the {len(columns)} columns it reads     1.0")
    print(f"  decide                                          {deciding / summing:7.1f}  (aim: 4)")
    print(f"  a Python loop over rule objects ({sample:,} rows)  {looping / summing:7.0f}")
    print(f"  the loop takes {looping / deciding:,.0f} times as long as decide (aim: 100)")


def explain(book: Book, policy: Policy) -> None:
    """Print what the trace of a tick's decisions takes, and the sentences that are stored."""
    policies, decisions = [policy], decide(book, [policy])

    def say() -> list[list[str]]:
        explanation = Explanation(book, policies, decisions)
        return [explanation.sentences(row) for row in range(len(book))]

    deciding, tracing, saying = in_turn(
        21,
        lambda: decide(book, policies),
        lambda: Explanation(book, policies, decisions),
        say,
    )
    print(f"trace: {len(book):,} positions, {len(policy.rules)} rules")
    print("  decide                                              1.0")
    for what, taken in {"the full trace": tracing, "with its stored sentences": saying}.items():
        print(f"  {what:<46}{taken / deciding:9.1f}  ({taken * 1000:.1f} ms; aim: 20 ms)")


def main(rows: int = 1_000_000, sample: int = 20_000) -> None:
    """Print the ratios of the default policy, and of one that has every rule."""
    book = random_book(rows)
    for text in ("", ALL_RULES):
        compare(book, parse_policy(text), sample)
    explain(book.take(slice(1_000)), parse_policy(ALL_RULES))


if __name__ == "__main__":
    main()
