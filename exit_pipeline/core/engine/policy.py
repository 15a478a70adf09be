"""Policies: which rules with which thresholds, in which order, on which quotes.

A policy is written as a name, as overrides of single thresholds, or both, separated by commas:
``default``, ``stop_loss.percent=25``, ``default, time_exit.applies_to=all, gex_flip=off``. Of one
threshold the last value counts; a rule that is off anywhere stays off. A rule that the default has
not is on where it is named, as ``vix_spike=on`` or by one of its thresholds.
"""

import hashlib
import importlib
import json
import pkgutil
from collections.abc import Mapping, Sequence, Set
from functools import cache
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, SerializeAsAny, ValidationError

from exit_pipeline.core import rules as rules_package
from exit_pipeline.core.engine.grade import QuoteLimits
from exit_pipeline.core.engine.price_orders import PriceLimits
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.rule import ExitRule

DEFAULT = "default"
DEFAULT_RULES: Final = frozenset(
    {"force_close", "expiry", "profit_target", "stop_loss", "gex_flip", "time_exit"}
)
"""What every position is under that has no policy of its own."""
_SECTIONS: Final[dict[str, type[BaseModel]]] = {"quotes": QuoteLimits, "prices": PriceLimits}
M = TypeVar("M", bound=BaseModel)


class Policy(BaseModel):
    """What decides: quote limits, rules in order, and how far orders may lean.

    Attributes:
        name: For people: the shortest text that ``parse_policy`` reads as this policy.
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
    items = [" ".join(item.split()) for item in text.split(",") if item.strip()]
    overrides = [item for item in items if "=" in item]
    _check_names(text, items)
    settings: dict[str, dict[str, Any]] = {section: {} for section in (*rule_classes(), *_SECTIONS)}
    off: set[str] = set()
    on = set(DEFAULT_RULES)
    for item in overrides:
        _override(item, settings, on, off)
    off |= rule_classes().keys() - on
    rules = {name: _build(kind, name, settings[name]) for name, kind in rule_classes().items()}
    sections = {name: _build(kind, name, settings[name]) for name, kind in _SECTIONS.items()}
    return Policy(
        name=_name(rules | sections, off),
        rules=tuple(rule for name, rule in rules.items() if name not in off),
        **sections,
    )


def _check_names(text: str, items: Sequence[str]) -> None:
    for place, item in enumerate(items):
        if item == DEFAULT and place:
            message = f"policy {text!r} has the name {DEFAULT!r} after another part; it comes first"
            raise InputError(message)
        if item != DEFAULT and "=" not in item:
            message = (
                f"policy {text!r} has {item!r}, which is neither the name {DEFAULT!r} nor "
                f"SECTION.THRESHOLD=VALUE nor RULE=on nor RULE=off"
            )
            raise InputError(message)


def _name(models: Mapping[str, BaseModel], off: Set[str]) -> str:
    """The shortest text that reads as this policy, the same for equal policies."""
    overrides = [f"{rule}=off" for rule in models if rule in off & DEFAULT_RULES]
    extra = rule_classes().keys() - DEFAULT_RULES - off
    overrides += [f"{rule}=on" for rule in models if rule in extra]
    overrides += [
        f"{section}.{field}={str(value).removesuffix('.0')}"
        for section, model in models.items()
        if section not in off
        for field, value in model
        if value != type(model).model_fields[field].default
    ]
    return ", ".join([DEFAULT, *overrides])


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


def _override(item: str, settings: dict[str, dict[str, Any]], on: set[str], off: set[str]) -> None:
    key, _, value = (part.strip() for part in item.partition("="))
    section, _, field = key.partition(".")
    if section in rule_classes() and not field and value in {"on", "off"}:
        (on if value == "on" else off).add(section)
    elif section in settings and field:
        settings[section][field] = value
        on.add(section)
    else:
        message = (
            f"policy override {item!r} must be SECTION.THRESHOLD=VALUE, RULE=on or RULE=off, with "
            f"a section of {', '.join(settings)}"
        )
        raise InputError(message)


def _build(model: type[M], section: str, values: dict[str, Any]) -> M:
    try:
        return model(**values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        known = ", ".join(model.model_fields)
        unknown = first["type"] == "extra_forbidden"
        expected = f"one of {known}" if unknown else _expected(first["msg"])
        message = (
            f"policy threshold {section}.{field} = {first['input']!r} is not usable: expected "
            f"{expected}"
        )
        raise InputError(message) from error


def _expected(message: str) -> str:
    return message.removeprefix("Input should be ").removeprefix("Value error, ")
