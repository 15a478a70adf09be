"""Make a kept decision again from what is kept of it, and say how far each rule was."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.engine.explain import Explanation, RuleLine, nearest_first
from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.engine.stored_outcome import stored_outcome
from exit_pipeline.core.engine.stored_policy import policy_from_json
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.kept_decision import KeptDecision
from exit_pipeline.core.model.stored_book import book_of_stored
from exit_pipeline.ports import Database
from exit_pipeline.services.open_tick import CODE_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedDecision:
    """A kept decision that was made again.

    Attributes:
        kept: As it was recorded.
        policy: That decided.
        lines: Every rule's part: those that fired, then the others, the nearest first.
        sentences: What decided, in a few sentences; for a HOLD, the rule that came nearest.
        differences: What was recorded and what is made of the same inputs now, by column, where
            that differs; anything here is an incident.
        code_version: Of this program; that of the decision is in `kept`.
    """

    kept: KeptDecision
    policy: Policy
    lines: tuple[RuleLine, ...]
    sentences: tuple[str, ...]
    differences: Mapping[str, tuple[Any, Any]]
    code_version: str


def explain_decision(
    position_id: str,
    *,
    database: Database,
    at: datetime | None = None,
    shadow: str | None = None,
) -> ExplainedDecision:
    """The newest decision on a position, made again from its stored inputs and policy.

    Args:
        position_id: The position.
        database: What is kept.
        at: None later than this; None for the newest of all.
        shadow: Name of a shadow policy whose decision is asked for; None for the one that counted.

    Raises:
        InputError: There is none, it was kept without its inputs, or its policy is not one that
            this version can read.
    """
    if shadow is None:
        kept = database.decisions.newest(position_id, at)
    else:
        kept = database.shadow_decisions.newest(position_id, shadow, at)
    if kept is None:
        by = f" by the shadow policy {shadow!r}" if shadow else ""
        until = f" at or before {at.isoformat()}" if at else ""
        message = f"there is no decision on the position {position_id!r}{by}{until}"
        raise InputError(message)
    return _again(position_id, kept)


def _again(position_id: str, kept: KeptDecision) -> ExplainedDecision:
    if kept.policy is None:
        said = f" ({' '.join(kept.reasoning)})" if kept.reasoning else ""
        message = (
            f"the decision on {position_id!r} of {kept.decided_at.isoformat()} is not replayable: "
            f"it was kept without policy and inputs{said}"
        )
        raise InputError(message)
    book = book_of_stored({name: [value] for name, value in kept.inputs.items()})
    policy = policy_from_json(kept.policy)
    decisions = decide(book, [policy])
    explanation = Explanation(book, [policy], decisions)
    made = {name: column[0] for name, column in stored_outcome(decisions, [policy], [0]).items()}
    return ExplainedDecision(
        kept=kept,
        policy=policy,
        lines=nearest_first(explanation.lines(0)),
        sentences=tuple(explanation.sentences(0)),
        differences={
            name: (recorded, made[name])
            for name, recorded in kept.outcome.items()
            if recorded != made[name]
        },
        code_version=CODE_VERSION,
    )
