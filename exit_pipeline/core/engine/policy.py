"""Policies: which rules with which thresholds, in which order, on which quotes."""

import hashlib
import importlib
import json
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny

from exit_pipeline.core import rules as rules_package
from exit_pipeline.core.engine.grade import QuoteLimits
from exit_pipeline.core.engine.price_orders import PriceLimits
from exit_pipeline.core.model.decision import Urgency
from exit_pipeline.core.model.policy_layer import DEFAULT
from exit_pipeline.core.model.rule import ExitRule

LIMITS: Final[Mapping[str, type[BaseModel]]] = {"quotes": QuoteLimits, "prices": PriceLimits}
"""What a policy sets beside its rules."""


class Policy(BaseModel):
    """What decides: quote limits, rules in order, and how far orders may lean.

    Two policies are equal where they decide alike, wherever their values came from.

    Attributes:
        name: For people: the shortest text that reads as this policy, over ``default``.
        quotes: When a quote is doubtful or no quote at all.
        rules: In order of precedence; bit i of a decision's masks is rule i.
        prices: How closing orders are priced.
        urgencies: Urgency by rule that is on, where a policy says another than the rule's own.
        origins: Who stated each value, by ``SECTION.THRESHOLD``, and whether a rule is on, by its
            name. No part of the hash.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    quotes: QuoteLimits
    rules: tuple[SerializeAsAny[ExitRule], ...]
    prices: PriceLimits
    urgencies: tuple[tuple[str, Urgency], ...] = ()
    origins: Mapping[str, str] = Field(default_factory=dict, exclude=True, repr=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Policy) and self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content)

    @property
    def _content(self) -> tuple[object, ...]:
        return self.name, self.quotes, self.rules, self.prices, self.urgencies

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reason of each rule, as the database knows it, in order."""
        return tuple(rule.name.upper() for rule in self.rules)

    @property
    def sections(self) -> dict[str, BaseModel]:
        """Everything with thresholds by its name: the rules that are on, quotes and prices."""
        rules: dict[str, BaseModel] = {rule.name: rule for rule in self.rules}
        return rules | {"quotes": self.quotes, "prices": self.prices}

    @property
    def own_origins(self) -> dict[str, str]:
        """The origins of what ``default`` does not state."""
        return {key: origin for key, origin in self.origins.items() if origin != DEFAULT}

    def canonical_json(self) -> str:
        """The policy as JSON with sorted keys, the text that is hashed and kept."""
        content = self.model_dump(mode="json", exclude={"rules", "urgencies"})
        content["rules"] = [
            {"rule": rule.name} | rule.model_dump(mode="json") for rule in self.rules
        ]
        if self.urgencies:
            content["urgencies"] = {rule: urgency.name for rule, urgency in self.urgencies}
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


def section_classes() -> dict[str, type[BaseModel]]:
    """Everything that may have thresholds in a policy: every rule, quotes and prices."""
    return {**rule_classes(), **LIMITS}
