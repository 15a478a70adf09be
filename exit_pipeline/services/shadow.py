"""Shadow policies: what others would have decided at the same tick, recorded and never sent.

Each is decided on the very inputs of the tick's decisions. It stands alone: neither what a position
says of its own policy nor what a launch lays over it counts. What a policy itself remembers is its
own, namely for how many ticks in a row a rule has fired, and whether a gamma flip is due. The
contracts held are the real ones, so a shadow exit is told again at every tick while they are held.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np

from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.engine.policy_text import combine_policies, named_policy
from exit_pipeline.core.engine.stored_outcome import stored_outcome
from exit_pipeline.core.model.book import Book, Kind
from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.core.model.kept_decision import SHADOW_OUTCOMES
from exit_pipeline.core.model.policy_layer import EXIT_RULES
from exit_pipeline.core.model.record import Alert, StoredDecision
from exit_pipeline.core.model.shadow import ShadowDecision, ShadowMemories
from exit_pipeline.core.model.stored_book import stored_hits
from exit_pipeline.ports import Database
from exit_pipeline.services.exit_rules import with_exit_rules
from exit_pipeline.services.tick import DecidedTick

log = logging.getLogger(__name__)


def with_shadows(decided: DecidedTick, *, database: Database) -> DecidedTick:
    """Decide and record the tick's shadow policies; without any, nothing is asked or written.

    A policy that can't be decided, and what can't be recorded, raises an alert and stops nothing:
    the decisions that count stand already.
    """
    if not decided.tick.request.shadow_policies or not decided.decided:
        return decided
    try:
        shadows = _decide_all(decided, database)
    except Exception as error:  # whatever it is, exits that are due must be sent
        _alert(decided, "shadow policies", error, database)
        return decided
    return replace(decided, shadow_decisions=tuple(shadows))


def _decide_all(decided: DecidedTick, database: Database) -> list[ShadowDecision]:
    tick, store = decided.tick, database.shadow_decisions
    ids = [position.id for position in decided.decided]
    names = list(tick.request.shadow_policies)
    memories = store.memories(ids, names, tick.at)
    policies: dict[str, Policy] = {}
    made: list[ShadowDecision] = []
    for name, policy in _policies(decided, database).items():
        try:
            made += _decide(decided, name, policy, memories)
            policies[policy.hash] = policy
        except Exception as error:  # one that is at fault keeps no other one from being decided
            _alert(decided, name, error, database)
    database.decisions.keep_policies({h: one.canonical_json() for h, one in policies.items()})
    if store.record(made) < len(made):
        return store.of_runs(list(tick.run_ids.values()))
    return sorted(made, key=lambda one: (one.name, one.position_id))


def _policies(decided: DecidedTick, database: Database) -> dict[str, Policy]:
    """The policy of each name; one that can't be read is told of and left out."""
    tick = decided.tick
    texts, library = tick.request.shadow_policies, tick.request.policies
    if EXIT_RULES in map(named_policy, texts.values()):
        environment = tick.identity.environment
        library = with_exit_rules(library, database=database, environment=environment)
    found = {}
    for name, text in texts.items():
        try:
            found[name] = combine_policies({"shadow": text}, library)
        except Exception as error:
            _alert(decided, name, error, database)
    return found


def _decide(
    decided: DecidedTick, name: str, policy: Policy, memories: ShadowMemories
) -> list[ShadowDecision]:
    """What one policy decides on every row of the book."""
    tick, book = decided.tick, _remembering(decided, name, policy.hash, memories)
    decisions = decide(book, [policy])
    outcome = stored_outcome(decisions, [policy], book.policy.tolist())
    before, latched = stored_hits(book.hits), book.gex_latched.tolist()
    return [
        ShadowDecision(
            run_id=tick.run_of(position),
            position_id=position.id,
            name=name,
            decided_at=tick.at,
            dry_run=tick.request.dry_run,
            policy_hash=policy.hash,
            rule_hits=before[row],
            gex_latched=latched[row],
            **{column: outcome[column][row] for column in SHADOW_OUTCOMES},
        )
        for row, position in enumerate(decided.decided)
    ]


def _remembering(
    decided: DecidedTick, name: str, policy_hash: str, memories: ShadowMemories
) -> Book:
    """The tick's book with what a policy remembers in place of what the positions do.

    As on a position, counts are of the same policy and of today's session, and a flip stays due.
    """
    book, session = decided.book, decided.tick.session
    hits, latched = Kind.HITS.nothing(len(book)), np.zeros(len(book), np.bool_)
    for row, position in enumerate(decided.decided):
        memory = memories.get((position.id, name))
        if memory is None:
            continue
        latched[row] = memory.gex_latched
        is_recent = session is not None and memory.decided_at >= session.opens_at
        if is_recent and memory.policy_hash == policy_hash and memory.rule_hits:
            hits[row, : len(memory.rule_hits)] = memory.rule_hits
    policy = np.zeros(len(book), np.int16)
    return replace(book, policy=policy, hits=hits, gex_latched=latched)


def differing(
    shadows: Sequence[ShadowDecision], stored: Sequence[StoredDecision]
) -> Mapping[str, list[str]]:
    """The positions of which each shadow policy would close other contracts, or none, or some.

    Args:
        shadows: What shadow policies decided at a tick.
        stored: The decisions of that tick that counted.

    Returns:
        Position ids by the name of the policy, also where there are none.
    """
    real = {(one.run_id, one.position_id): one.exit_quantity for one in stored}
    found: dict[str, list[str]] = {}
    for one in shadows:
        ids = found.setdefault(one.name, [])
        if real.get((one.run_id, one.position_id)) != one.exit_quantity:
            ids.append(one.position_id)
    return found


def _alert(decided: DecidedTick, subject: str, error: Exception, database: Database) -> None:
    log.warning("ExitWorker: %s not decided: %s", subject, error)
    alert = Alert(
        severity="WARNING",
        cause="SHADOW_NOT_DECIDED",
        subject=subject,
        message=str(error) or type(error).__name__,
        run_id=next(iter(decided.tick.run_ids.values()), None),
    )
    with suppress(UnavailableError):  # it is in the log
        database.runs.raise_alerts([alert])
