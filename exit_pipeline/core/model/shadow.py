"""What another policy would have decided, which nothing sends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowDecision:
    """What a shadow policy decided on one position at one tick.

    Attributes:
        run_id: The run that decided the position.
        position_id: The position.
        name: Of the shadow policy.
        decided_at: The decision's own time.
        dry_run: The run was one.
        policy_hash: Of the policy that the name stood for.
        rule_hits: For how many ticks in a row each of its rules had fired before; None where none.
        gex_latched: By this policy, a gamma flip was due before.
        decision: EXIT or HOLD.
        exit_reason: The rule's name in capitals on an EXIT.
        exit_action: PARTIAL or FULL on an EXIT.
        exit_quantity: Contracts to close on an EXIT.
        urgency: ``Urgency`` name on an EXIT.
        fired_mask: Bit i is set where rule i of the policy fired.
        evaluable_mask: Bit i is set where rule i of the policy could be judged.
        gex_latched_after: By this policy, a gamma flip is due after this decision.
        rule_hits_after: For how many ticks in a row each of its rules has fired now.
    """

    run_id: str
    position_id: str
    name: str
    decided_at: datetime
    dry_run: bool
    policy_hash: str
    rule_hits: Sequence[int] | None
    gex_latched: bool
    decision: str
    exit_reason: str | None
    exit_action: str | None
    exit_quantity: int | None
    urgency: str | None
    fired_mask: int
    evaluable_mask: int
    gex_latched_after: bool
    rule_hits_after: Sequence[int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowMemory:
    """What a shadow policy remembers of a position from its tick before.

    Attributes:
        decided_at: Time of that tick.
        policy_hash: Of the policy whose order the counts are in.
        rule_hits: For how many ticks in a row each of its rules had fired; None where none had.
        gex_latched: A gamma flip is due.
    """

    decided_at: datetime
    policy_hash: str
    rule_hits: Sequence[int] | None
    gex_latched: bool


ShadowMemories: TypeAlias = Mapping[tuple[str, str], ShadowMemory]
"""By position id and name of the shadow policy."""
