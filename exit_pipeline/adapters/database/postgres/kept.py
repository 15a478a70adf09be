"""Build a kept decision from a row that has its inputs, its outcome and its policy."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from exit_pipeline.core.model.kept_decision import KeptDecision
from exit_pipeline.core.model.stored_book import NAMES

INPUTS: Final = tuple(NAMES.values())
"""The columns that hold the inputs of a decision."""


def kept_decision(
    row: Mapping[str, Any], outcomes: Sequence[str], shadow: str | None = None
) -> KeptDecision:
    """The decision of a row.

    Args:
        row: Every column of ``INPUTS`` and of `outcomes`, and those of the decision itself.
        outcomes: Columns that hold what came of it.
        shadow: Name of the shadow policy that it is of.
    """
    is_ours = row["run_id"] is not None
    return KeptDecision(
        position_id=row["position_id"],
        shadow=shadow,
        run_id=str(row["run_id"]) if is_ours else None,
        decided_at=row["made_at"],
        dry_run=row["dry_run"],
        option_symbol=row["option_symbol"],
        policy_hash=row["policy_hash"],
        policy=row["policy"],
        code_version=row["code_version"],
        inputs={name: row[name] for name in INPUTS},
        outcome={name: row[name] for name in outcomes},
        # The users' own rows keep what they like in this column.
        reasoning=tuple(row["reasoning"] or ()) if is_ours and not shadow else (),
    )
