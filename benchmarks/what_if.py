"""A year of another policy, position by position in sequence, in units of one plain `decide`.

`decide` over the same rows takes each by itself: it is what an audit costs. A what-if must know
which contracts are still there, so that it decides rows again on what is left after each partial
exit. Only ratios of one run are worth comparing.
"""

import numpy as np

from benchmarks import what_if_peers
from benchmarks.decide import ALL_RULES, in_turn
from benchmarks.random_year import TICKS, random_year
from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.replay.bootstrap import bootstrap
from exit_pipeline.core.replay.comparison import Comparison
from exit_pipeline.core.replay.exits import Exits
from exit_pipeline.core.replay.follow_policy import follow_policies
from exit_pipeline.core.replay.paths import Paths
from exit_pipeline.core.replay.result import Result
from exit_pipeline.policies import parse_policy

LADDER = (
    ", profit_target.percent=10, profit_target.close_share_percent=20,"
    "profit_target.further_rungs=20:20:0|30:20:10|50:20"
)
CONFIRMED = "".join(
    f", {name}.required_hits=2"
    for name in ("stop_loss", "trailing_stop", "gex_flip", "delta_limit", "theta_share")
)
TEN_RUNGS = (
    "stop_loss=off, gex_flip=off, profit_target.percent=1, profit_target.close_share_percent=10,"
    f"profit_target.further_rungs={'|'.join(f'{percent}:10' for percent in range(2, 11))}"
)
POLICIES = {
    "the default policy": "",
    "all rules": ALL_RULES,
    "all rules, a ladder of four": ALL_RULES + LADDER,
    "the same, five rules confirmed": ALL_RULES + LADDER + CONFIRMED,
    "nothing but a ladder of ten": TEN_RUNGS,
}


def account(paths: Paths, baseline: Exits, exits: Exits) -> None:
    """Everything that is told of two ways out."""
    comparison = Comparison.of(Result.of(paths, baseline), Result.of(paths, exits))
    comparison.totals()
    comparison.by_reason()
    bootstrap(comparison.differences(), np.random.default_rng(1))


def compare(paths: Paths, name: str, policy: Policy, runs: int) -> None:
    """Print the ratio of one policy."""
    (exits,) = follow_policies(paths, [policy])
    alone, following = in_turn(
        runs,
        lambda: decide(paths.book, [policy]),
        lambda: follow_policies(paths, [policy]),
    )
    most = np.bincount(paths.path_of(exits.row)).max()
    print(f"  {name:<34} {len(policy.rules):3} rules {following / alone:5.1f}  (aim: 12)")
    print(f"      {len(exits):,} exits, up to {most} of a position")


def grid(paths: Paths, runs: int) -> None:
    """Print what one of ten policies costs, and what telling of it does."""
    policies = [
        parse_policy(f"stop_loss.percent={stop}, profit_target.percent={target}")
        for stop in (10, 20, 30, 40, 50)
        for target in (20, 40)
    ]
    exits = follow_policies(paths, policies)
    alone, one, all_ten, telling = in_turn(
        runs,
        lambda: decide(paths.book, policies[:1]),
        lambda: follow_policies(paths, policies[:1]),
        lambda: follow_policies(paths, policies),
        lambda: account(paths, exits[0], exits[1]),
    )
    print(f"  one policy, and one of ten together {one / alone:9.1f} {all_ten / 10 / alone:5.1f}")
    print(f"  accounts, comparison and bootstrap of one {telling / alone:3.1f}")


def main(ticks: int = TICKS, positions: int = 50, runs: int = 5) -> None:
    """Print the ratios."""
    paths = random_year(ticks, positions)
    print(f"what-if: {len(paths.book):,} rows of {len(paths):,} positions, in units of `decide`")
    for name, text in POLICIES.items():
        compare(paths, name, parse_policy(text), runs)
    grid(paths, runs)
    what_if_peers.main(ticks, positions)


if __name__ == "__main__":
    main()
