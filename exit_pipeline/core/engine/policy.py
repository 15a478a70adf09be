"""Policies: which rules with which thresholds, in which order, on which quotes.

A policy is written as a name, as overrides of single thresholds, or both, separated by commas:
``default``, ``stop_loss.percent=25``, ``default, time_exit.applies_to=all, gex_flip=off``.
"""

import hashlib
import importlib
import json
import pkgutil
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, SerializeAsAny, ValidationError

from exit_pipeline.core import rules as rules_package
from exit_pipeline.core.engine.grade import QuoteLimits
from exit_pipeline.core.engine.price_orders import PriceLimits
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.rule import ExitRule

DEFAULT = "default"
M = TypeVar("M", bound=BaseModel)


class Policy(BaseModel):
    """What decides: quote limits, rules in order, and how far orders may lean.

    Attributes:
        name: For people.
        quotes: When a quote is doubtful or no quote at all.
        rules: In order of precedence; bit i of a decision's masks is rule i.
        prices: How closing orders are priced.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    quotes: QuoteLimits
    rules: tuple[SerializeAsAny[ExitRule], ...]
    prices: PriceLimits

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reason of each rule, as the database knows it, in order."""
        return tuple(rule.name.upper() for rule in self.rules)

    def canonical_json(self) -> str:
        """The policy as JSON with sorted keys, the text that is hashed and kept."""
        content = self.model_dump(mode="json", exclude={"rules"})
        content["rules"] = [
            {"rule": rule.name} | rule.model_dump(mode="json") for rule in self.rules
        ]
        return json.dumps(content, sort_keys=True, separators=(",", ":"))

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON, in hex: equal policies have equal hashes."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()


@cache
def rule_classes() -> dict[str, type[ExitRule]]:
    """Every rule of the rules package by name, in default order."""
    found: list[type[ExitRule]] = [
        importlib.import_module(f"{rules_package.__name__}.{module.name}").RULE
        for module in pkgutil.iter_modules(rules_package.__path__)
    ]
    return {rule.name: rule for rule in sorted(found, key=lambda rule: rule.rank)}


@cache
def parse_policy(text: str = DEFAULT) -> Policy:
    """Read a policy from its name, its overrides, or both.

    Raises:
        InputError: A name, rule or threshold is not known, or a value is out of range.

    Example: ``parse_policy("stop_loss.percent=25")`` is the default with a stop at -25 %.
    """
    items = [item.strip() for item in text.split(",") if item.strip()]
    names = [item for item in items if "=" not in item]
    if names not in ([], [DEFAULT]) or (names and items[0] != DEFAULT):
        message = f"policy {text!r} names {names[-1]!r}; known policies: {DEFAULT}"
        raise InputError(message)
    settings: dict[str, dict[str, Any]] = {name: {} for name in rule_classes()}
    sections: dict[str, dict[str, Any]] = {"quotes": {}, "prices": {}}
    for item in items[len(names) :]:
        _override(item, settings, sections)
    overrides = ", ".join(items[len(names) :])
    return Policy(
        name=f"{DEFAULT}, {overrides}" if overrides else DEFAULT,
        quotes=_build(QuoteLimits, "quotes", sections["quotes"]),
        prices=_build(PriceLimits, "prices", sections["prices"]),
        rules=tuple(
            _build(rule_classes()[name], name, values) for name, values in settings.items()
        ),
    )


def combine_policies(*texts: str | None) -> Policy:
    """One policy of several texts, in which a later one wins, threshold by threshold.

    Raises:
        InputError: A text can't be read.

    Example: ``combine_policies("stop_loss.percent=25", "stop_loss.percent=20")`` stops at -20 %.
    """
    overrides = []
    for text in texts:
        parse_policy(text or "")
        items = (item.strip() for item in (text or "").split(","))
        overrides += [item for item in items if "=" in item]
    return parse_policy(", ".join(overrides))


def _override(
    item: str, rules: dict[str, dict[str, Any]], sections: dict[str, dict[str, Any]]
) -> None:
    key, _, value = (part.strip() for part in item.partition("="))
    section, _, field = key.partition(".")
    if section in rules and not field and value == "off":
        del rules[section]
        return
    target = {**rules, **sections}.get(section)
    if target is None or not field:
        known = ", ".join([*rule_classes(), *sections])
        message = (
            f"policy override {item!r} must be SECTION.THRESHOLD=VALUE or RULE=off, with a section "
            f"of {known}"
        )
        raise InputError(message)
    target[field] = value


def _build(model: type[M], section: str, values: dict[str, Any]) -> M:
    try:
        return model(**values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        known = ", ".join(model.model_fields)
        expected = f"one of {known}" if first["type"] == "extra_forbidden" else first["msg"]
        message = (
            f"policy threshold {section}.{field} = {first['input']!r} is not usable: expected "
            f"{expected}"
        )
        raise InputError(message) from error
