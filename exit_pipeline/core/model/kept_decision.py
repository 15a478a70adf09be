"""A decision as it is kept, with all that is needed to make it again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

SHADOW_OUTCOMES: Final = (
    "decision", "exit_reason", "exit_action", "exit_quantity", "urgency", "fired_mask",
    "evaluable_mask", "gex_latched_after", "rule_hits_after",
)  # fmt: skip
"""What is kept of the outcome under a shadow policy, by the database's column names."""

OUTCOMES: Final = ("mark", "pnl_percent", "quote_flags", "quote_grade", *SHADOW_OUTCOMES)
"""What is kept of the outcome of a decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDecision:
    """One decision as it is kept.

    Attributes:
        position_id: Its position; None on a users' own row, which is found by its signal.
        shadow: Name of the shadow policy that decided; None for the decision that counted.
        run_id: Its run; None on a users' own row.
        decided_at: The decision's own time.
        dry_run: The run was one.
        option_symbol: Compact OCC symbol; None where the contract is not known.
        policy_hash: Of the policy that decided; None where nothing could be decided.
        policy: That policy's JSON.
        code_version: Version of the program that decided.
        inputs: Every input by the database's column names; None is not known.
        outcome: What was recorded, by the names in ``OUTCOMES`` or ``SHADOW_OUTCOMES``.
        reasoning: The sentences that were recorded; none of a shadow policy's.
    """

    position_id: str | None
    shadow: str | None
    run_id: str | None
    decided_at: datetime
    dry_run: bool
    option_symbol: str | None
    policy_hash: str | None
    policy: str | None
    code_version: str | None
    inputs: Mapping[str, Any]
    outcome: Mapping[str, Any]
    reasoning: Sequence[str]
