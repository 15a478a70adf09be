"""What came of decisions, in the columns by which it is compared with what was recorded."""

from collections.abc import Sequence

import numpy as np

from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.model.decision import NO_RULE, Decisions
from exit_pipeline.core.model.outcome_columns import (
    NOT_STORED,
    OutcomeColumns,
    Text,
    Words,
)


def made_outcome(
    decisions: Decisions, policies: Sequence[Policy], policy_of_row: np.ndarray
) -> OutcomeColumns:
    """The outcome of each row, as ``stored_outcome`` would keep it and it would be read back.

    Args:
        decisions: What ``decide`` made of a book.
        policies: Those that it was given.
        policy_of_row: Index of each row's policy among them.

    Example: a HOLD has an empty ``exit_reason`` and an ``urgency`` of NOT_STORED.
    """
    leaves = decisions.rule != NO_RULE
    urgency: Words = np.where(leaves, decisions.urgency, np.int8(NOT_STORED))
    return OutcomeColumns(
        mark=decisions.mark,
        pnl_percent=decisions.pnl_percent,
        quote_flags=decisions.flags.astype(np.int32),
        quote_grade=decisions.grade,
        decision=leaves.astype(np.int8),
        exit_reason=_reasons(decisions, policies, policy_of_row),
        exit_action=decisions.outcome,
        exit_quantity=decisions.quantity,
        urgency=urgency,
        fired_mask=decisions.fired_mask.astype(np.int64),
        evaluable_mask=decisions.evaluable_mask.astype(np.int64),
        gex_latched_after=decisions.gex_latched.astype(np.int8),
        rule_hits_after=decisions.hits,
    )


def _reasons(decisions: Decisions, policies: Sequence[Policy], policy_of_row: np.ndarray) -> Text:
    """The reason of each row; a HOLD's rule is -1, so that the last of a policy's is none."""
    most = max((len(policy.rules) for policy in policies), default=0)
    names = [[*policy.reasons, *[""] * (most + 1 - len(policy.rules))] for policy in policies]
    table: Text = np.array(names, np.bytes_).reshape(len(policies), most + 1)
    found: Text = table[policy_of_row, decisions.rule]
    return found
