"""What ticks observe, as assets, so that each figure has a history plot in the UI.

They are observed, not materialised: the tables are written by the job's own transactions.
"""

import dagster as dg

POSITIONS = dg.AssetSpec(
    "positions",
    description="Open positions (`refactored_positions`): how many, and their open P&L in dollars.",
    group_name="exits",
)
CONTEXT = dg.AssetSpec(
    "context",
    description="The market's context (`refactored_context_snapshots`): VIX and VIX3M.",
    group_name="exits",
)
DECISIONS = dg.AssetSpec(
    "decisions",
    deps=[POSITIONS, CONTEXT],
    description="Decisions (`refactored_decisions`): exits by reason, holds, quotes refused.",
    group_name="exits",
)

ASSETS = (POSITIONS, CONTEXT, DECISIONS)
