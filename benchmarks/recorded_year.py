"""Years of recorded decisions in a throw-away database, put there by COPY."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import numpy as np
from sqlalchemy import Engine

from benchmarks.random_book import random_book
from exit_pipeline.adapters.clients import binary_rows as wire
from exit_pipeline.adapters.clients.postgres_copy import copy_in
from exit_pipeline.adapters.clients.postgres_engine import run, transaction
from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.model.book import KINDS, Book, Kind
from exit_pipeline.core.model.direction import Direction
from exit_pipeline.core.model.instant import SECONDS
from exit_pipeline.core.model.market_state import Regime
from exit_pipeline.core.model.outcome_columns import OutcomeColumns, words_of
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.model.session import Session
from exit_pipeline.core.model.stored_book import NAMES
from exit_pipeline.core.replay.made_outcome import made_outcome
from exit_pipeline.ports import Calendar

POSITIONS: Final = 50
TICKS: Final = 78
SESSIONS: Final = 252
FIRST: Final = date(2023, 1, 3)

_WORDS: Final = {
    Kind.SIDE: {1: "LONG", -1: "SHORT", 0: ""},
    Kind.VIEW: {view.value: view.name if view else "" for view in Direction},
    Kind.REGIME: {0: "", **{regime.value: regime.name for regime in Regime}},
}
_SENTENCE: Final = (
    b'["Nothing is due. Nearest is PROFIT_TARGET: P&L +31.0 % against a target of +50.0 %."]'
)

COLUMNS: Final = (
    "id, run_id, position_id, option_symbol, policy_hash, reasoning, decision_type, "
    + ", ".join(NAMES.values())
    + ", mark, pnl_percent, quote_flags, quote_grade, decision, exit_reason, exit_action,"
    " exit_quantity, urgency, fired_mask, evaluable_mask, gex_latched_after, rule_hits_after"
)


def sessions(calendar: Calendar, number: int) -> Iterator[Session]:
    """The sessions from ``FIRST`` on, as long ones as there are."""
    day = FIRST
    while number:
        session = calendar.session(day)
        if session:
            number -= 1
            yield session
        day += timedelta(days=1)


def record_day(engine: Engine, session: Session, policy: Policy) -> None:
    """Record a day as ticks would have: 78 runs of 50 positions each."""
    opens = datetime.combine(session.day, time(14, 30), UTC)
    times = [opens + number * timedelta(minutes=5) for number in range(TICKS)]
    book = _at(random_book(TICKS * POSITIONS, session.day.toordinal()), times)
    runs = [uuid.uuid4() for _ in times]
    made = made_outcome(decide(book, [policy]), [policy], book.policy)
    with transaction(engine) as connection:
        run(
            connection,
            """
            INSERT INTO decision_runs (id, account, tick_at, mode, dry_run, broker, environment,
                                       code_version, status)
            SELECT r.id, 'demo', r.at, 'live', false, 'paper', 'paper', 'v1', 'SUCCEEDED'
            FROM unnest(CAST(:ids AS uuid[]), CAST(:times AS timestamptz[])) AS r(id, at)
            """,
            ids=[str(one) for one in runs],
            times=times,
        )
        rows = encode(book, made, np.repeat([one.bytes for one in runs], POSITIONS), policy)
        copy_in(connection, f"refactored_decisions ({COLUMNS})", rows)


def _at(book: Book, times: list[datetime]) -> Book:
    at = np.repeat([round(one.timestamp()) * SECONDS for one in times], POSITIONS)
    moved = {}
    for name, kind in KINDS.items():
        if kind is Kind.INSTANT:
            column = getattr(book, name)
            moved[name] = np.where(column == UNKNOWN, UNKNOWN, column + at - book.decided_at)
    return replace(book, **moved)


def encode(book: Book, made: OutcomeColumns, runs: np.ndarray, policy: Policy) -> bytes:
    """Whole rows, as wide as the table's, for COPY."""
    rows = len(book)
    numbers = np.arange(rows)
    keys = [
        wire.text(np.array([uuid.uuid4().hex.encode() for _ in range(rows)])),
        wire.raw(runs.view("V16")),
        wire.text(np.char.add(b"position-", (numbers % POSITIONS).astype("S8"))),
        wire.text(np.full(rows, b"SPY260320C00580000")),
        wire.text(np.full(rows, policy.hash.encode())),
        wire.json([_SENTENCE] * rows),
        _word(made.decision, words_of("decision")),
    ]
    inputs = [_input(KINDS[name], getattr(book, name)) for name in NAMES]
    return wire.encode([*keys, *inputs, *_outcome(made)], rows)


def _input(kind: Kind, column: np.ndarray) -> wire.WireColumn:
    always = np.ones(len(column), np.bool_)
    if kind in _WORDS:
        return _word(column, _WORDS[kind])
    return {
        Kind.PRICE: lambda: wire.dollars(column),
        Kind.INSTANT: lambda: wire.instants(column),
        Kind.SPAN: lambda: _interval(column),
        Kind.WHOLE: lambda: wire.numbers(column, ">i4", column != UNKNOWN),
        Kind.SIZE: lambda: wire.numbers(column, ">i4", column >= 0),
        Kind.NUMBER: lambda: wire.numbers(column, ">f8", ~np.isnan(column)),
        Kind.FLAG: lambda: wire.flags(column),
        Kind.SIGN: lambda: wire.numbers(column, ">i2", column != 0),
        Kind.HITS: lambda: wire.numbers(column[:, 0], ">i2", ~always),
    }[kind]()


def _outcome(made: OutcomeColumns) -> list[wire.WireColumn]:
    always = np.ones(len(made), np.bool_)
    return [
        wire.dollars(made.mark),
        wire.numbers(made.pnl_percent, ">f8", ~np.isnan(made.pnl_percent)),
        wire.numbers(made.quote_flags, ">i4", always),
        _word(made.quote_grade, words_of("quote_grade")),
        _word(made.decision, words_of("decision")),
        wire.text(made.exit_reason, empty_is_null=True),
        _word(made.exit_action, words_of("exit_action")),
        wire.numbers(made.exit_quantity, ">i4", made.exit_quantity != 0),
        _word(made.urgency, words_of("urgency")),
        wire.numbers(made.fired_mask, ">i8", always),
        wire.numbers(made.evaluable_mask, ">i8", always),
        wire.flags(made.gex_latched_after == 1),
        wire.numbers(made.rule_hits_after[:, 0], ">i2", ~always),
    ]


def _word(column: np.ndarray, words: dict[int, str | None]) -> wire.WireColumn:
    table = np.array([(words.get(code) or "").encode() for code in (0, 1, 2, 3, -1)])
    return wire.text(table[column], empty_is_null=True)


def _interval(column: np.ndarray) -> wire.WireColumn:
    parts = np.zeros(len(column), [("us", ">i8"), ("days", ">i4"), ("months", ">i4")])
    parts["us"] = column
    return wire.raw(parts)
