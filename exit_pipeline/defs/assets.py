"""What ticks write, as assets: each has its lineage, its figures over time, and its checks.

They are external to Dagster: the tables are written by the transactions of ``exit_job``, which
reports them as materialised. Nothing materialises one of them alone.
"""

from types import ModuleType
from typing import Any, Final

import dagster as dg

from exit_pipeline.services import close_tick, context, decide_tick, submit

GROUP: Final = "exits"
OWNERS: Final = ("team:exits",)


def _written_by(module: ModuleType, table: str, look_up: str) -> dict[str, Any]:
    """Where a person finds the rows, and the code that writes them."""
    return {
        "dagster/table_name": f"public.{table}",
        "written by": module.__name__,
        "on the command line": look_up,
    }


def _spec(
    name: str, description: str, written: dict[str, Any], *deps: dg.AssetSpec
) -> dg.AssetSpec:
    return dg.AssetSpec(
        name,
        deps=list(deps),
        description=description,
        group_name=GROUP,
        kinds={"postgres", "table"},
        owners=list(OWNERS),
        metadata=written,
    )


POSITIONS: Final = _spec(
    "positions",
    "Positions that are watched, as each tick leaves them: their marks, and what is held of them.\n"
    "\n"
    "Figures, in dollars, are of all accounts of the environment:\n"
    "- `open_pnl`: of what was held when the tick decided, at its marks, before costs. A position "
    "that never had a mark is left out and counted in `positions_without_mark`.\n"
    "- `realised_pnl`: of everything that has left by the end of the tick, net of costs.\n"
    "- `day_pnl`: the change of both since the session before.\n"
    "\n"
    "What is not known has no point in the plots. Written by `exit_job`; a dry run writes nothing.",
    _written_by(close_tick, "refactored_positions", "exit-pipeline positions list"),
)
CONTEXT: Final = _spec(
    "context",
    "What each tick knew of the market beyond quotes: volatility indices, trend, regime and gamma "
    "exposure, each with its age.\n"
    "\n"
    "- `vix`, `vix3m`, `vix9d`: index points, while fresh.\n"
    "- `net_gamma_SPY` and the like: millions of dollars for a move of 1 %, calls less puts, which "
    "is a convention about who holds what and no forecast.\n"
    "- `zero_gamma_SPY`: the price at which that changes its sign, dollars.\n"
    "\n"
    "Larger pictures are at the step `build_context` of runs that asked for a chain.",
    _written_by(context, "refactored_context_snapshots", "exit-pipeline context"),
)
DECISIONS: Final = _spec(
    "decisions",
    "One decision for each open position and tick, also each HOLD, with every input that it was "
    "made from.\n"
    "\n"
    "- `exits`, `holds`: positions to leave, in part or in full, and to keep.\n"
    "- `exit_stop_loss` and the like: exits by reason, of the rules that were judged.\n"
    "- `quotes_refused`: positions whose quote was no market.\n"
    "- `decisions`: the exits of the newest tick, and why. All decisions are at the step `decide`.",
    _written_by(decide_tick, "refactored_decisions", "exit-pipeline explain POSITION"),
    POSITIONS,
    CONTEXT,
)
ORDERS: Final = _spec(
    "orders",
    "Closing orders, by the ticks that sent one or saw one change.\n"
    "\n"
    "- `orders`, `contracts_filled`: of that tick.\n"
    "- `slippage_dollars`: what fills were worse than the mid of the quote that was decided on, "
    "without commission and fees; below zero is better than the mid.\n"
    "- `slippage_percent_of_spread`: the same as a share of that quote's spread: 0 is the mid, 50 "
    "the side that closing hits.\n"
    "- `orders_table`: each with bid, mid and ask at its decision, its limit, the worst price that "
    "it may go to, and its fills.",
    _written_by(submit, "orders", "exit-pipeline orders"),
    DECISIONS,
)

ASSETS: Final = (POSITIONS, CONTEXT, DECISIONS, ORDERS)
