"""Recorded decisions from a binary COPY: how each column is asked for, and what is made of it.

The query gives every value of an input the width and the code that it has in a ``Book``, so that
nothing of a row becomes an object. What it makes of a row is to the last bit what
``stored_book.book_of_stored`` makes of the same row.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from exit_pipeline.adapters.clients.binary_copy import ReadRows
from exit_pipeline.core.model.book import KINDS, MOST_RULES, Book, Kind
from exit_pipeline.core.model.direction import Direction
from exit_pipeline.core.model.instant import DAYS
from exit_pipeline.core.model.market_state import Regime
from exit_pipeline.core.model.outcome_columns import (
    FOREIGN,
    NOT_STORED,
    OutcomeColumns,
    words_of,
)
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.model.stored_book import NAMES

_LEAST: Final = "'-9223372036854775808'::bigint"
_LEAST_COUNT: Final = np.iinfo(np.int32).min
_MONTH: Final = 30 * DAYS  # as the driver reads an interval, which here never has one

_INPUT_WORDS: Final[Mapping[Kind, Mapping[int, str]]] = {
    Kind.SIDE: {1: "LONG", -1: "SHORT"},
    Kind.VIEW: {view.value: view.name for view in Direction if view},
    Kind.REGIME: {regime.value: regime.name for regime in Regime},
}

MUST_HAVE: Final = tuple(
    NAMES[name]
    for name in (
        "decided_at", "clock_minutes", "days_in_trade", "side", "quantity", "open_quantity",
        "profit_exited", "entry_price", "entry_time", "intraday", "force_close", "nonfinite",
        "feed_age_limit", "gex_latched",
    )
)  # fmt: skip
"""What every decision was decided on: a row in which one of them is empty was recorded before that
column was kept, and can't be made again."""


def word_code(column: str, words: Mapping[int, str | None], nothing: int) -> str:
    """The code of a word; a word that is not among these is FOREIGN."""
    cases = "".join(f" WHEN '{word}' THEN {code}" for code, word in words.items() if word)
    return f"(CASE WHEN {column} IS NULL THEN {nothing} ELSE CASE {column}{cases}"\
           f" ELSE {FOREIGN} END END)::int2"  # fmt: skip


def _known(column: str, kind: str, nothing: str) -> str:
    return f"coalesce(CAST({column} AS {kind}), {nothing})"


_PRICE: Final = f"coalesce(CAST({{0}} * 10000 AS bigint), {_LEAST})"

_INPUT: Final[Mapping[Kind, tuple[str, str]]] = {
    Kind.PRICE: (_PRICE, ">i8"),
    Kind.INSTANT: ("coalesce({0}, '-infinity')", ">i8"),
    Kind.SPAN: ("coalesce({0}, '0')", "V16"),
    Kind.WHOLE: (_known("{0}", "int4", f"'{_LEAST_COUNT}'::int4"), ">i4"),
    Kind.SIZE: (_known("{0}", "int4", "-1"), ">i4"),
    Kind.NUMBER: (_known("{0}", "float8", "'NaN'"), ">f8"),
    Kind.FLAG: ("coalesce({0}, false)", "u1"),
    Kind.SIGN: (_known("{0}", "int2", "0::int2"), ">i2"),
    **{kind: (word_code("{0}", words, 0), ">i2") for kind, words in _INPUT_WORDS.items()},
}
"""SQL by the kind of an input, and the type in which it is sent."""


def _input(name: str) -> tuple[str, str]:
    sql, kind = _INPUT[KINDS[name]]
    return sql.format(f"d.{NAMES[name]}"), kind


def _fault() -> str:
    """The number of the first thing that a row lacks, from 1; 0 where it can be made again."""
    lacks = ["d.run_id IS NULL", "p.code IS NULL", "d.position_id IS NULL"]
    lacks += [f"d.{column} IS NULL" for column in MUST_HAVE]
    cases = "".join(f" WHEN {one} THEN {number}" for number, one in enumerate(lacks, 1))
    return f"(CASE{cases} ELSE 0 END)::int2"


FAULTS: Final = (
    "a users' own, kept without inputs",
    "not decided at all, as its own sentence says",
    "kept without a position",
    *(f"kept without {column}, from before that column was kept" for column in MUST_HAVE),
)
"""Why a row can't be made again, by the number that the query gives less 1."""

_INPUTS: Final = tuple(name for name in NAMES if KINDS[name] is not Kind.HITS)

FIXED: Final[Mapping[str, tuple[str, str]]] = {
    "fault": (_fault(), ">i2"),
    "policy": ("coalesce(p.code, 0)::int4", ">i4"),
    "run": ("coalesce(d.run_id, '00000000-0000-0000-0000-000000000000')", "V16"),
    **{f"in {name}": _input(name) for name in _INPUTS},
    "mark": (_PRICE.format("d.mark"), ">i8"),
    "pnl_percent": (_known("d.pnl_percent", "float8", "'NaN'"), ">f8"),
    "quote_flags": (_known("d.quote_flags", "int4", str(NOT_STORED)), ">i4"),
    "exit_quantity": (_known("d.exit_quantity", "int4", "0"), ">i4"),
    "fired_mask": (_known("d.fired_mask", "bigint", str(NOT_STORED)), ">i8"),
    "evaluable_mask": (_known("d.evaluable_mask", "bigint", str(NOT_STORED)), ">i8"),
    "gex_latched_after": (f"coalesce(d.gex_latched_after::int4, {NOT_STORED})::int2", ">i2"),
    "quote_grade": (word_code("d.quote_grade", words_of("quote_grade"), NOT_STORED), ">i2"),
    "decision": (word_code("d.decision", words_of("decision"), NOT_STORED), ">i2"),
    "exit_action": (word_code("d.exit_action", words_of("exit_action"), 0), ">i2"),
    "urgency": (word_code("d.urgency", words_of("urgency"), NOT_STORED), ">i2"),
}
"""SQL and sent type of each column of fixed width: ``d`` is the decision, ``p`` its policy with a
number as ``code``."""

OTHERS: Final[Mapping[str, str]] = {
    "id": "d.id::text",
    "position_id": "d.position_id::text",
    "exit_reason": "d.exit_reason::text",
    "rule_hits": "d.rule_hits::int2[]",
    "rule_hits_after": "d.rule_hits_after::int2[]",
}
"""SQL of each other column."""


def book_of(rows: ReadRows, policy: NDArray[np.int16]) -> Book:
    """The inputs of rows."""
    columns = {name: _column(rows, name) for name in _INPUTS}
    hits = rows.small_arrays("rule_hits", MOST_RULES).astype(np.uint8)
    return Book(policy=policy, hits=hits, **columns)


def _column(rows: ReadRows, name: str) -> NDArray[Any]:
    kind, sent = KINDS[name], f"in {name}"
    if kind is Kind.INSTANT:
        return rows.micros(sent)
    if kind is Kind.SPAN:
        return _span(rows.rows[sent])
    found = rows.number(sent, kind.dtype)
    if kind is Kind.WHOLE:
        found[found == _LEAST_COUNT] = UNKNOWN
    return found


def _span(sent: NDArray[np.void]) -> NDArray[np.int64]:
    """Microseconds of intervals, which are sent as microseconds, days and months."""
    parts = np.ascontiguousarray(sent).view([("us", ">i8"), ("days", ">i4"), ("months", ">i4")])
    span: NDArray[np.int64] = parts["us"].astype(np.int64)
    span += parts["days"].astype(np.int64) * DAYS + parts["months"].astype(np.int64) * _MONTH
    return span


def outcome_of(rows: ReadRows) -> OutcomeColumns:
    """What was recorded of rows."""
    return OutcomeColumns(
        mark=rows.number("mark", np.int64),
        pnl_percent=rows.number("pnl_percent", np.float64),
        quote_flags=rows.number("quote_flags", np.int32),
        quote_grade=rows.number("quote_grade", np.int8),
        decision=rows.number("decision", np.int8),
        exit_reason=rows.text("exit_reason"),
        exit_action=rows.number("exit_action", np.int8),
        exit_quantity=rows.number("exit_quantity", np.int32),
        urgency=rows.number("urgency", np.int8),
        fired_mask=rows.number("fired_mask", np.int64),
        evaluable_mask=rows.number("evaluable_mask", np.int64),
        gex_latched_after=rows.number("gex_latched_after", np.int8),
        rule_hits_after=rows.small_arrays("rule_hits_after", MOST_RULES).astype(np.uint8),
    )


def foreign_words(rows: ReadRows) -> dict[str, NDArray[np.bool_]]:
    """The inputs in which some rows have a word that this version does not know, and which."""
    found = {}
    for name in _INPUTS:
        if KINDS[name] in _INPUT_WORDS:
            is_foreign = rows.rows[f"in {name}"] == FOREIGN
            if is_foreign.any():
                found[NAMES[name]] = is_foreign
    return found
