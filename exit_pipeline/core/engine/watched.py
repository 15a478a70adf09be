"""What a broker can't do for a policy, so that it is watched here."""

from collections.abc import Iterable
from typing import Final

from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.model.abilities import BrokerAbilities

_STOPS: Final = frozenset({"STOP_LOSS", "BREAK_EVEN_STOP"})
"""Rules that a stop order at a fixed price would stand for."""

_TARGETS: Final = frozenset({"PROFIT_TARGET"})
"""Rules that a limit order at a fixed price would stand for, as long as it rests."""


def watched_here(policy: Policy, broker: str, abilities: BrokerAbilities | None) -> list[str]:
    """What stands between a policy and its broker, one sentence a ground.

    No exit rests at a broker, also where it could: orders are sent at the tick at which a rule is
    due. The sentences tell what would be possible, so that nobody counts on a stop at the broker.

    Args:
        policy: The rules.
        broker: The broker's name.
        abilities: What it can do; None where its adapter does not say so.

    Example: of ``default`` at a broker without stop orders the first sentence is "alpaca takes no
    stop orders on options: STOP_LOSS is watched at every tick".
    """
    reasons = policy.reasons
    if abilities is None:
        return [f"{broker} does not say what it can do: {_watched(reasons)}"] if reasons else []
    stops = [reason for reason in reasons if reason in _STOPS]
    targets = [reason for reason in reasons if reason in _TARGETS]
    others = [reason for reason in reasons if reason not in _STOPS | _TARGETS]
    grounds = {
        _stop_ground(broker, abilities): stops,
        _rest_ground(broker, abilities): targets,
        "no broker judges these": others,
    }
    return [f"{ground}: {_watched(rules)}" for ground, rules in grounds.items() if rules]


def _stop_ground(broker: str, abilities: BrokerAbilities) -> str:
    if abilities.stop_orders:
        return f"{broker} takes stop orders on options, and none is placed"
    return f"{broker} takes no stop orders on options"


def _rest_ground(broker: str, abilities: BrokerAbilities) -> str:
    if abilities.good_till_cancelled:
        return f"{broker} keeps orders on options until they are cancelled, and none is left there"
    return f"{broker} keeps orders on options for the day only"


def _watched(reasons: Iterable[str]) -> str:
    names = list(reasons)
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} watched at every tick"
