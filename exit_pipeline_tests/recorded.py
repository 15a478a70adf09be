"""Decisions in a database as ticks would have recorded them, many at once."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from benchmarks.random_book import random_book
from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.engine.explain import Explanation
from exit_pipeline.core.engine.policy import Policy, rule_classes
from exit_pipeline.core.engine.stored_outcome import stored_outcome
from exit_pipeline.core.model.book import KINDS, Book, Kind
from exit_pipeline.core.model.instant import to_datetime
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.model.record import LEASE, DecisionRows, TickIdentity
from exit_pipeline.core.model.stored_book import stored_columns
from exit_pipeline.policies import parse_policy
from exit_pipeline.ports import Database

MONDAY = datetime(2026, 3, 16, 14, 0, tzinfo=UTC)
"""10:00 in New York, the time of the first tick."""

EVERY_RULE = ", ".join(f"{name}=on" for name in rule_classes())
POLICIES = (
    "default",
    EVERY_RULE,
    "stop_loss.percent=20, stop_loss.required_hits=2, stop_loss.urgency=EMERGENCY",
)

_OPTIONAL = {Kind.PRICE, Kind.INSTANT, Kind.WHOLE, Kind.SIZE, Kind.NUMBER, Kind.VIEW, Kind.REGIME,
             Kind.SIGN}  # fmt: skip
_ALWAYS = {"decided_at", "clock_minutes", "days_in_trade", "quantity", "open_quantity",
           "profit_exited", "entry_price", "entry_time"}  # fmt: skip


def a_recorded_book(rows: int, seed: int = 1, policies: int = 1) -> Book:
    """Plausible rows in which one value in ten is not known, and counts of some rules."""
    rng = np.random.default_rng(seed)
    book = random_book(rows, seed)
    columns: dict[str, Any] = {"policy": rng.integers(0, policies, rows).astype(np.int16)}
    for name, kind in KINDS.items():
        if kind in _OPTIONAL and name not in _ALWAYS:
            is_lost = rng.random(rows) < 0.1
            columns[name] = np.where(is_lost, kind.nothing(rows), getattr(book, name))
    columns["hits"] = np.where(rng.random((rows, 1)) < 0.3, rng.integers(0, 4, (rows, 32)), 0)
    columns["hits"] = columns["hits"].astype(np.uint8)
    return replace(book, **columns)


def at_ticks(book: Book, times: Sequence[datetime]) -> Book:
    """The book with its rows at these times, as many at each, and every other time moved along."""
    micros = np.array([round(at.timestamp() * 1_000_000) for at in times], np.int64)
    moved = np.repeat(micros, -(-len(book) // len(times)))[: len(book)] - book.decided_at
    columns = {}
    for name, kind in KINDS.items():
        if kind is Kind.INSTANT:
            column = getattr(book, name)
            columns[name] = np.where(column == UNKNOWN, UNKNOWN, column + moved)
    return replace(book, **columns)


def record(
    database: Database,
    book: Book,
    texts: Sequence[str] = ("default",),
    *,
    code_version: str = "v1",
    with_reasoning: bool = False,
    positions: Sequence[str] | None = None,
    **tick: Any,
) -> list[str]:
    """Decide a book, and record it as ticks do: a run for each time; the decisions' keys.

    Every row is of a position of its own, unless it is told of which one.
    """
    policies = [parse_policy(text) for text in texts]
    database.decisions.keep_policies({one.hash: one.canonical_json() for one in policies})
    decisions = decide(book, policies)
    runs = _runs(database, book, code_version, tick)
    rows = range(len(book))
    ids = positions or [f"p{row}é" if row % 7 else f"p{row}" for row in rows]
    columns = {
        "id": [hashlib.sha256(f"{runs[row]}/p{row}".encode()).hexdigest()[:32] for row in rows],
        "run_id": runs,
        "position_id": list(ids),
        "dry_run": [tick.get("dry_run", False)] * len(book),
        **stored_columns(book),
        "policy_hash": [policies[index].hash for index in book.policy.tolist()],
        **stored_outcome(decisions, policies, book.policy.tolist()),
    }
    columns["decision_type"] = list(columns["decision"])
    if with_reasoning:
        explanation = Explanation(book, policies, decisions)
        columns["reasoning"] = [explanation.sentences(row) for row in rows]
    assert database.decisions.record(DecisionRows(columns=columns)) == len(book)
    return columns["id"]


def _runs(database: Database, book: Book, code_version: str, tick: dict[str, Any]) -> list[str]:
    """The run of each row."""
    usual = {"environment": "paper", "broker": "paper", "mode": "live", "dry_run": False}
    known = {}
    for at in np.unique(book.decided_at).tolist():
        identity, holder = TickIdentity(**usual | tick, tick_at=to_datetime(at)), f"{at} {tick}"
        (run,) = database.runs.open(identity, ["demo"], holder, code_version, LEASE)
        database.runs.fail(holder, "the test needs no more of it")
        known[at] = run.run_id
    return [known[at] for at in book.decided_at.tolist()]


def policies_of(texts: Sequence[str]) -> list[Policy]:
    """The policies of these texts."""
    return [parse_policy(text) for text in texts]
