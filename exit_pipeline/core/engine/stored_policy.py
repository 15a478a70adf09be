"""Read policies back from the JSON that is kept of them."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from exit_pipeline.core.engine.policy import LIMITS, Policy, rule_classes
from exit_pipeline.core.model.decision import Urgency
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.rule import ExitRule

M = TypeVar("M", bound=BaseModel)


def policy_from_json(text: str) -> Policy:
    """The policy that was kept, the inverse of ``Policy.canonical_json``: it has the same hash.

    A threshold that the JSON of an earlier version has not takes its default, which is always what
    was done before there was that threshold. Who stated each value is not kept with a policy.

    Args:
        text: Canonical JSON, or the same content in another order and spacing.

    Raises:
        InputError: It is no policy, or has a rule or threshold that this version does not know.

    Example: of ``default`` as the first version kept it, without ``stop_loss.basis``, the stop is
    30 % of the premium as it was then.
    """
    try:
        content = json.loads(text)
        stated = [(str(rule["rule"]), dict(rule)) for rule in content["rules"]]
        name, limits = str(content["name"]), {key: dict(content[key]) for key in LIMITS}
    except (KeyError, TypeError, ValueError) as error:
        message = f"a stored policy can't be read: expected canonical JSON, had {text[:80]!r}"
        raise InputError(message) from error
    return Policy(
        name=name,
        rules=tuple(_rule(rule, values) for rule, values in stated),
        urgencies=_urgencies(content.get("urgencies", {})),
        **{key: _build(LIMITS[key], key, values) for key, values in limits.items()},
    )


def _rule(name: str, values: Mapping[str, Any]) -> ExitRule:
    known = rule_classes()
    if name not in known:
        message = f"a stored policy has the rule {name!r}, which this version does not know"
        raise InputError(message)
    thresholds = {key: value for key, value in values.items() if key != "rule"}
    return _build(known[name], name, thresholds)


def _urgencies(stated: Mapping[str, str]) -> tuple[tuple[str, Urgency], ...]:
    """In the default order of rules, as a policy that was never kept has them."""
    try:
        return tuple((rule, Urgency[stated[rule]]) for rule in rule_classes() if rule in stated)
    except (KeyError, TypeError) as error:
        message = f"a stored policy has urgencies that this version does not know: {stated!r}"
        raise InputError(message) from error


def _build(model: type[M], section: str, values: Mapping[str, Any]) -> M:
    try:
        return model(**values)
    except ValidationError as error:
        key = ".".join([section, *(str(part) for part in error.errors()[0]["loc"])])
        message = f"a stored policy has a {key} that this version does not know or can't use"
        raise InputError(message) from error
