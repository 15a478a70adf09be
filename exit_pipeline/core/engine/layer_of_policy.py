"""A whole policy as one layer, so that others can be laid over it."""

from typing import Final

from exit_pipeline.core.engine.compile_policy import URGENCY, compile_policy, say_value
from exit_pipeline.core.engine.policy import Policy, rule_classes
from exit_pipeline.core.model.policy_layer import DEFAULT, PolicyLayer, PolicyLibrary

RECORDED: Final = "recorded"
"""Origin of what a recorded policy states."""


def layer_of_policy(policy: Policy) -> PolicyLayer:
    """Everything that a policy says, which rules are off among it; over ``default`` it is the same.

    Example: of ``default`` it has ``stop_loss`` on and ``stop_loss.percent`` of "30" among others.
    """
    on = {rule.name for rule in policy.rules}
    values = {
        f"{section}.{threshold}": say_value(value)
        for section, model in policy.sections.items()
        for threshold, value in model
    }
    urgencies = dict(policy.urgencies)
    for rule in on:
        values[f"{rule}.{URGENCY}"] = urgencies[rule].name if rule in urgencies else "none"
    switches = {rule: rule in on for rule in rule_classes()}
    return PolicyLayer(origin=RECORDED, switches=switches, values=values)


def changed_policy(policy: Policy, changes: PolicyLayer, library: PolicyLibrary) -> Policy:
    """A policy with other thresholds or switches.

    A stop that the rungs of a profit target raised stays where it was when the rungs are changed.

    Raises:
        InputError: A change states what can't be used.

    Example: ``default`` with ``stop_loss.percent`` of 25 stops at -25 % and is otherwise the same.
    """
    return compile_policy(DEFAULT, [layer_of_policy(policy), changes], library)
