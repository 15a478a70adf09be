"""Mutants of deciding and telling: what is decided on, what is recorded, who is told."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from exit_pipeline.adapters.database.postgres.decisions import PostgresDecisions
from exit_pipeline.adapters.database.postgres.runs import PostgresRuns
from exit_pipeline.core.engine import grade
from exit_pipeline.core.model.quote import QuoteFlag
from exit_pipeline.services import submit
from exit_pipeline_tests.simulation.mutants.mutant import Mutant, value, wrapped


def _only_exits(original: Callable[..., int]) -> Callable[..., int]:
    def record(self: Any, given: Any) -> int:
        exits = [kind == "EXIT" for kind in given.columns["decision"]]
        columns = {
            name: [one for one, is_exit in zip(values, exits, strict=True) if is_exit]
            for name, values in given.columns.items()
        }
        if any(exits):
            original(self, replace(given, columns=columns))
        return len(given)

    return record


def _graded_without(*flags: QuoteFlag) -> tuple[Any, ...]:
    left = grade.BAD_FLAGS
    for flag in flags:
        left &= ~flag
    return (value(grade, "BAD_FLAGS", left),)


def _mid_of_anything(original: Callable[..., None]) -> Callable[..., None]:
    """A quote without a bid is as good as any, and its mark is half of the ask."""

    def grade_doubtful(book: Any, rows: Any, limits: Any, room: Any) -> None:
        original(book, rows, limits, room)
        no_bid = rows[(room.flags[rows] & QuoteFlag.NO_MARKET) != 0]
        room.flags[no_bid] = 0
        room.grade[no_bid] = np.int8(grade._GOOD)
        room.mark[no_bid] = book.mid(no_bid)

    return grade_doubtful


MUTANTS = (
    Mutant(
        name="holds_are_not_recorded",
        breaks="only exits are recorded, and no HOLD",
        changes=(wrapped(PostgresDecisions, "record", _only_exits),),
    ),
    Mutant(
        name="mid_of_a_zero_bid",
        breaks="half of the ask is the mark of a quote without a bid",
        changes=(wrapped(grade, "_grade_doubtful", _mid_of_anything),),
    ),
    Mutant(
        name="old_quotes_count",
        breaks="a quote is good however old, late or crossed it is",
        changes=_graded_without(
            QuoteFlag.CROSSED,
            QuoteFlag.STALE_FEED,
            QuoteFlag.EXPIRED_QUOTE,
            QuoteFlag.FUTURE,
        ),
    ),
    Mutant(
        name="never_escalates",
        breaks="an exit that does not fill is nobody's matter",
        changes=(value(submit, "_escalate", lambda *_args: None),),
    ),
    Mutant(
        name="no_alerts",
        breaks="alerts are not kept",
        changes=(value(PostgresRuns, "raise_alerts", lambda *_args: None),),
    ),
)
