"""What came of decisions, as the database keeps it beside their inputs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.model.decision import NO_RULE, Decisions, Outcome, Urgency
from exit_pipeline.core.model.price import to_dollars
from exit_pipeline.core.model.quote import QuoteGrade
from exit_pipeline.core.model.stored_book import stored_hits


def stored_outcome(
    decisions: Decisions, policies: Sequence[Policy], policy_of_row: Sequence[int]
) -> dict[str, list[Any]]:
    """The outcome of each row by the database's column names; None is not known, or not so.

    Args:
        decisions: What ``decide`` made of a book.
        policies: Those that it was given.
        policy_of_row: Index of each row's policy among them.

    Example: a HOLD has no ``exit_reason`` and no ``exit_quantity``; a partial exit of 5 contracts
    at a target has ``PROFIT_TARGET``, 5 and the ``exit_action`` ``PARTIAL``.
    """
    rules = decisions.rule.tolist()
    exits = [rule != NO_RULE for rule in rules]
    reasons = [policy.reasons for policy in policies]
    return {
        "mark": [to_dollars(units) for units in decisions.mark.tolist()],
        "pnl_percent": [None if np.isnan(one) else one for one in decisions.pnl_percent.tolist()],
        "quote_flags": decisions.flags.tolist(),
        "quote_grade": [QuoteGrade(grade).name for grade in decisions.grade.tolist()],
        "decision": ["EXIT" if leaves else "HOLD" for leaves in exits],
        "exit_reason": [
            reasons[index][rule] if rule != NO_RULE else None
            for index, rule in zip(policy_of_row, rules, strict=True)
        ],
        "exit_action": [
            Outcome(outcome).name if outcome else None for outcome in decisions.outcome.tolist()
        ],
        "exit_quantity": [quantity or None for quantity in decisions.quantity.tolist()],
        "urgency": [
            Urgency(urgency).name if leaves else None
            for urgency, leaves in zip(decisions.urgency.tolist(), exits, strict=True)
        ],
        "fired_mask": decisions.fired_mask.tolist(),
        "evaluable_mask": decisions.evaluable_mask.tolist(),
        "gex_latched_after": decisions.gex_latched.tolist(),
        "rule_hits_after": stored_hits(decisions.hits),
    }
