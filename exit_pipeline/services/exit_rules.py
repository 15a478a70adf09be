"""The policy ``exit_rules``: what the active row of that table says.

It counts only where a position or a launch names it, so that a row that was forgotten changes no
stop.
"""

from collections.abc import Mapping
from typing import Final

from exit_pipeline.core.engine.compile_policy import compile_policy
from exit_pipeline.core.engine.policy import rule_classes
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.exit_rules_row import ExitRulesRow
from exit_pipeline.core.model.policy_layer import EXIT_RULES, PolicyLayer, PolicyLibrary
from exit_pipeline.ports import Database

THRESHOLDS: Final[Mapping[str, str]] = {
    "profit_target_percent": "profit_target.percent",
    "stop_loss_percent": "stop_loss.percent",
    "trailing_stop_percent": "trailing_stop.distance_percent",
    "min_days_to_expiration": "days_to_expiration.days",
    "max_days_in_trade": "days_in_trade.days",
    "delta_exit_threshold": "delta_limit.abs_max",
    "theta_decay_threshold": "theta_share.percent",
    "iv_crush_threshold": "iv_crush.percent",
}
"""The threshold that each column sets. A column without a value switches the rule off."""


def with_exit_rules(
    library: PolicyLibrary, *, database: Database, environment: str
) -> PolicyLibrary:
    """A library with the policy ``exit_rules`` as the table has it now.

    Where the table does not say it, the policy has that fault, and what names it is not decided.

    Args:
        library: Named policies.
        database: What is kept.
        environment: ``live`` takes the row of the mode LIVE, every other one that of PAPER.
    """
    try:
        layer = _active(library, database, "LIVE" if environment == "live" else "PAPER")
    except InputError as error:
        layer = PolicyLayer(origin=EXIT_RULES, fault=str(error))
    return {**library, EXIT_RULES: layer}


def _active(library: PolicyLibrary, database: Database, mode: str) -> PolicyLayer:
    rows = database.exit_rules.active(mode)
    if len(rows) == 1:
        layer = layer_of(rows[0], mode)
        try:
            compile_policy(EXIT_RULES, [], {**library, EXIT_RULES: layer})
        except InputError as error:
            message = f"{layer.source}: {error}"
            raise InputError(message) from error
        return layer
    ids = f": {', '.join(row.id for row in rows)}" if rows else ""
    message = (
        f"policy {EXIT_RULES!r} needs one active row of the mode {mode} in the table "
        f"{EXIT_RULES}, which has {len(rows) or 'none'}{ids}"
    )
    raise InputError(message)


def layer_of(row: ExitRulesRow, mode: str) -> PolicyLayer:
    """What a row states: a rule with its threshold, or that the rule is off.

    Raises:
        InputError: It sets the threshold of a rule that does not exist.

    Example: a ``stop_loss_percent`` of 25 and no ``profit_target_percent`` are
    ``stop_loss.percent=25, profit_target=off``.
    """
    origin = f"{EXIT_RULES} row {row.id}"
    switches: dict[str, bool] = {}
    values: dict[str, str] = {}
    for column, key in THRESHOLDS.items():
        rule, threshold = key.split(".")[0], row.columns.get(column)
        if rule in rule_classes():
            switches[rule] = threshold is not None
        elif threshold is not None:
            message = f"{origin} sets {column} to {threshold}, and there is no rule {rule}"
            raise InputError(message)
        if threshold is not None:
            values[key] = threshold
    return PolicyLayer(
        origin=origin,
        description=f"The active row of the mode {mode} in the table {EXIT_RULES}.",
        source=origin,
        switches=switches,
        values=values,
    )
