"""Check a policy's text where it is given, before anything is decided by it."""

from exit_pipeline.core.engine.policy_text import combine_policies
from exit_pipeline.core.model.policy_layer import EXIT_RULES, PolicyLayer, PolicyLibrary


def check_policy(text: str, library: PolicyLibrary) -> None:
    """Refuse a policy that can't be read or used.

    It may name ``exit_rules``: what that row says is read, and judged, at each tick.

    Raises:
        InputError: As the sentence says.
    """
    combine_policies({"policy": text}, {**library, EXIT_RULES: PolicyLayer(origin=EXIT_RULES)})
