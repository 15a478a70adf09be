"""Decide a tick: assemble the book, decide, record, and read back what stands."""

import hashlib
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.engine.explain import Explanation
from exit_pipeline.core.engine.stored_outcome import stored_outcome
from exit_pipeline.core.model.book import Book
from exit_pipeline.core.model.decision import Decisions
from exit_pipeline.core.model.position import Position
from exit_pipeline.core.model.quote import QuoteGrade
from exit_pipeline.core.model.record import Alert, DecisionRows, StoredDecision
from exit_pipeline.core.model.stored_book import stored_columns
from exit_pipeline.ports import Calendar, Database
from exit_pipeline.services.account_pnl import with_account_pnl
from exit_pipeline.services.assemble_book import assemble_book
from exit_pipeline.services.choose_policies import ChosenPolicies, choose_policies
from exit_pipeline.services.context_columns import context_columns
from exit_pipeline.services.judge_context import judge_context
from exit_pipeline.services.refused_quotes import tell_refused
from exit_pipeline.services.shadow import with_shadows
from exit_pipeline.services.tick import ContextTick, DecidedTick, OpenTick


def decide_tick(known: ContextTick, *, database: Database, calendar: Calendar) -> DecidedTick:
    """Decide every open position, record the decisions with all their inputs, and read them back.

    A position that can't be decided (its policy can't be read, its contract is adjusted or for
    other than 100 shares) is recorded as a HOLD with the reason and raises an alert; the others are
    decided all the same.
    Shadow policies are decided after all others, and recorded apart.
    What another attempt of the same run has recorded already stands. A request to close a position
    counts as consumed from here on, and stays due until it is closed or the request expires.
    """
    tick = known.tick
    chosen = choose_policies(known, database=database)
    policies, decided = chosen.policies, chosen.decided
    judged = judge_context(known, decided)
    book = assemble_book(known, decided, policies, chosen.policy_of_row, calendar, judged)
    book, standing = with_account_pnl(book, decided, tick, database)
    decisions = decide(book, policies)
    explanation = Explanation(book, policies, decisions)
    stored: tuple[StoredDecision, ...] = ()
    if tick.positions:
        database.decisions.keep_policies({p.hash: p.canonical_json() for p in policies})
        columns = _rows(tick, chosen, book, decisions, explanation)
        columns |= context_columns(known, decided, judged)
        stored = _record(_with_faults(columns, tick, chosen.faults), tick, database)
        _alert(tick, chosen.faults, database)
        tell_refused(tick, stored, database)
        _consume(tick, decided, database)
    found = DecidedTick(
        tick=tick,
        market=known.market,
        context=known.context,
        stored=stored,
        book=book,
        decided=tuple(decided),
        decisions=decisions,
        policies=tuple(policies),
        explanation=explanation,
        accounts=standing.accounts,
        carried=standing.carried,
        details=known.details,
    )
    return with_shadows(found, database=database)


def _record(rows: DecisionRows, tick: OpenTick, database: Database) -> tuple[StoredDecision, ...]:
    """Record decisions, and give back those that stand: other ones if they were there before."""
    if database.decisions.record(rows) < len(rows):
        return tuple(database.decisions.of_runs(list(tick.run_ids.values())))
    columns = [rows.columns[field.name] for field in fields(StoredDecision)]
    names = [field.name for field in fields(StoredDecision)]
    stored = (
        StoredDecision(**dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True)
    )
    return tuple(sorted(stored, key=lambda one: one.position_id))


def _consume(tick: OpenTick, decided: Sequence[Position], database: Database) -> None:
    """Note the requests that are decided on and kept; a dry run uses nothing up."""
    runs = {position.id: tick.run_of(position) for position in decided}
    used = {
        request.id: runs[request.position_id]
        for request in tick.asked_to_close
        if request.position_id in runs
    }
    if used and not tick.request.dry_run:
        database.exit_requests.consume(used, tick.at)


def _rows(
    tick: OpenTick,
    chosen: ChosenPolicies,
    book: Book,
    decisions: Decisions,
    explanation: Explanation,
) -> dict[str, list[Any]]:
    """The columns of ``refactored_decisions``, for the rows of a book."""
    index_of_row = book.policy.tolist()
    hashes = [policy.hash for policy in chosen.policies]
    outcome = stored_outcome(decisions, chosen.policies, index_of_row)
    return {
        **_identity_columns(tick, chosen.decided),
        **stored_columns(book),
        "policy_hash": [hashes[index] for index in index_of_row],
        "policy_origins": [origins or None for origins in chosen.origins],
        **outcome,
        "decision_type": outcome["decision"].copy(),
        "reasoning": [tuple(explanation.sentences(row)) for row in range(len(book))],
    }


def _identity_columns(tick: OpenTick, positions: Sequence[Position]) -> dict[str, list[Any]]:
    contracts = [position.contract for position in positions]
    return {
        "id": [_decision_id(tick.run_of(position), position.id) for position in positions],
        "run_id": [tick.run_of(position) for position in positions],
        "position_id": [position.id for position in positions],
        "dry_run": [tick.request.dry_run] * len(positions),
        "option_symbol": [contract.symbol if contract else None for contract in contracts],
    }


def _decision_id(run_id: str, position_id: str) -> str:
    """One decision per run and position, so its key is a function of the two."""
    return hashlib.sha256(f"{run_id}/{position_id}".encode()).hexdigest()[:32]


def _with_faults(
    rows: dict[str, list[Any]], tick: OpenTick, faults: Sequence[tuple[Position, str]]
) -> DecisionRows:
    """Add a HOLD for each position that could not be decided, with the reason."""
    for position, sentence in faults:
        known = {
            "id": _decision_id(tick.run_of(position), position.id),
            "run_id": tick.run_of(position),
            "position_id": position.id,
            "dry_run": tick.request.dry_run,
            "option_symbol": position.contract.symbol if position.contract else None,
            "decided_at": tick.at,
            "side": position.side.value,
            "quantity": position.quantity,
            "open_quantity": position.open_quantity,
            "entry_price": position.entry_price,
            "entry_time": position.entry_time,
            "quote_flags": 0,
            "quote_grade": QuoteGrade.BAD.name,
            "decision_type": "HOLD",
            "decision": "HOLD",
            "fired_mask": 0,
            "evaluable_mask": 0,
            "gex_latched_after": position.gex_latched,
            "reasoning": (f"Not decided: {sentence}.",),
        }
        for name, column in rows.items():
            column.append(known.get(name))
    return DecisionRows(columns=rows)


def _alert(tick: OpenTick, faults: Sequence[tuple[Position, str]], database: Database) -> None:
    alerts = [
        Alert(
            severity="CRITICAL",
            cause="NOT_DECIDED",
            subject=position.id,
            message=sentence,
            run_id=tick.run_of(position),
        )
        for position, sentence in faults
    ]
    if alerts:
        database.runs.raise_alerts(alerts)
