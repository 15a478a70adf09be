"""Make a policy of layers: a later one wins, value by value."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from exit_pipeline.core.engine.ladders import Ladder
from exit_pipeline.core.engine.policy import LIMITS, Policy, rule_classes, section_classes
from exit_pipeline.core.engine.raised_stops import RUNGS, raise_stops
from exit_pipeline.core.model.decision import Urgency
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.policy_layer import DEFAULT, PolicyLayer, PolicyLibrary
from exit_pipeline.core.model.rule import ExitRule

M = TypeVar("M", bound=BaseModel)

URGENCY: Final = "urgency"
"""What a policy may say of every rule beside its thresholds, such as ``stop_loss.urgency=FAST``."""


def compile_policy(name: str, layers: Iterable[PolicyLayer], library: PolicyLibrary) -> Policy:
    """The policy of a name with layers over it.

    Args:
        name: A policy of the library.
        layers: From the lowest to the highest.
        library: Named policies.

    Raises:
        InputError: A name is not known, a policy has a fault or stands on itself, or a threshold
            can't be used.

    Example: with ``stop_loss.percent`` 30 in ``default`` and 25 in a layer of the origin
    ``position``, the policy stops at -25 %, and tells that ``position`` said so.
    """
    stack = _Stack()
    for layer in (*foundation(name, library), *layers):
        stack.put(layer)
    models = stack.models()
    switches = {rule: stack.is_on(rule) for rule in rule_classes()}
    raised = raise_stops(models, switches)
    urgencies = stack.urgencies()
    rules = (rule for rule in models.values() if isinstance(rule, ExitRule))
    return Policy(
        name=_name(models, switches, urgencies, library),
        rules=tuple(rule for rule in rules if switches[rule.name]),
        urgencies=tuple((rule, urgencies[rule]) for rule in urgencies if switches[rule]),
        origins=stack.origins(models, switches) | dict.fromkeys(raised, RUNGS),
        **{section: models[section] for section in LIMITS},
    )


def foundation(name: str, library: PolicyLibrary) -> list[PolicyLayer]:
    """The layers of a named policy, ``default`` first.

    Raises:
        InputError: It, or one that it is based on, is not known or has a fault, or it is based on
            itself.
    """
    chain = [name]
    layers = [_named(name, library)]
    while (below := layers[0].based_on) is not None:
        chain.append(below)
        if below in chain[:-1]:
            message = f"{_where(layers[0])}: based_on goes in a circle: {' -> '.join(chain)}"
            raise InputError(message)
        if below not in library:
            known = ", ".join(sorted(library))
            message = f"{_where(layers[0])}: based_on is {below!r}; expected one of {known}"
            raise InputError(message)
        layers.insert(0, library[below])
    for layer in layers:
        if layer.fault:
            raise InputError(layer.fault)
    return layers


def _named(name: str, library: PolicyLibrary) -> PolicyLayer:
    if name not in library:
        message = f"policy is {name!r}; expected one of {', '.join(sorted(library))}"
        raise InputError(message)
    return library[name]


def _where(layer: PolicyLayer) -> str:
    return layer.source or layer.origin


@dataclass
class _Stack:
    """Layers on each other: of each value the last one, with who stated it."""

    switches: dict[str, tuple[bool, str]] = field(default_factory=dict)
    values: dict[str, tuple[str, str]] = field(default_factory=dict)
    touched: dict[str, str] = field(default_factory=dict)

    def put(self, layer: PolicyLayer) -> None:
        for key, value in layer.values.items():
            self.values[key] = value, layer.origin
            self.touched.setdefault(key.partition(".")[0], layer.origin)
        for rule, is_on in layer.switches.items():
            self.switches[rule] = is_on, layer.origin

    def is_on(self, rule: str) -> bool:
        """As was said last; where nothing was said, a threshold switches its rule on."""
        return self.switches[rule][0] if rule in self.switches else rule in self.touched

    def models(self) -> dict[str, BaseModel]:
        """Every section with its values, also of rules that are off: a mistake stays one."""
        stated: dict[str, dict[str, str]] = {section: {} for section in section_classes()}
        for key, (value, _) in self.values.items():
            section, _, threshold = key.partition(".")
            if section in LIMITS or threshold != URGENCY:
                stated[section][threshold] = value
        return {name: _build(kind, name, stated[name]) for name, kind in section_classes().items()}

    def urgencies(self) -> dict[str, Urgency]:
        """The urgency of each rule for which one is stated, also of rules that are off."""
        keys = ((rule, f"{rule}.{URGENCY}") for rule in rule_classes())
        said = {rule: self.values[key][0] for rule, key in keys if key in self.values}
        found = {rule: _read_urgency(rule, text) for rule, text in said.items()}
        return {rule: urgency for rule, urgency in found.items() if urgency is not None}

    def origins(
        self, models: Mapping[str, BaseModel], switches: Mapping[str, bool]
    ) -> dict[str, str]:
        """Who said that a rule is on or off, and who stated each threshold that counts."""
        found = {}
        for section, model in models.items():
            if section in switches:
                touched = self.touched.get(section, DEFAULT)
                found[section] = self.switches.get(section, (False, touched))[1]
            if switches.get(section, True):
                stated = [URGENCY] if f"{section}.{URGENCY}" in self.values else []
                for threshold in (*type(model).model_fields, *stated):
                    key = f"{section}.{threshold}"
                    found[key] = self.values.get(key, ("", DEFAULT))[1]
        return found


def _name(
    models: Mapping[str, BaseModel],
    switches: Mapping[str, bool],
    urgencies: Mapping[str, Urgency],
    library: PolicyLibrary,
) -> str:
    """The shortest text that reads as this policy, the same for equal policies."""
    ground = _Stack()
    for layer in foundation(DEFAULT, library):
        ground.put(layer)
    usual = ground.models()
    for_rules = {rule: is_on for rule, is_on in switches.items() if is_on != ground.is_on(rule)}
    said = [f"{rule}=off" for rule, is_on in for_rules.items() if not is_on]
    said += [f"{rule}=on" for rule, is_on in for_rules.items() if is_on]
    said += [
        f"{section}.{threshold}={say_value(value)}"
        for section, model in models.items()
        if switches.get(section, True)
        for threshold, value in model
        if value != getattr(usual[section], threshold)
    ]
    was = ground.urgencies()
    said += [
        f"{rule}.{URGENCY}={urgencies[rule].name if rule in urgencies else 'none'}"
        for rule in rule_classes()
        if switches[rule] and urgencies.get(rule) != was.get(rule)
    ]
    return ", ".join([DEFAULT, *said])


def say_value(value: Any) -> str:
    """A threshold as a person writes it, and as its rule reads it.

    Several values are joined by ``|``, and the parts of each by ``:``, without those that end it
    and are not set.

    Example: 25.0 is "25", and a target of 100 % for a share of 25 %, as one of several, "100:25".
    """
    if isinstance(value, Ladder):
        return str(value)
    if isinstance(value, tuple):
        return "|".join(map(say_value, value))
    if isinstance(value, BaseModel):
        parts = [part for _, part in value]
        while parts and parts[-1] is None:
            parts.pop()
        return ":".join(map(say_value, parts))
    return "none" if value is None else str(value).removesuffix(".0")


def _build(model: type[M], section: str, values: Mapping[str, str]) -> M:
    try:
        return model(**values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join([section, *(str(part) for part in first["loc"])])
        own = [URGENCY] if issubclass(model, ExitRule) else []
        known = ", ".join([*model.model_fields, *own])
        unknown = first["type"] == "extra_forbidden"
        expected = f"one of {known}" if unknown else _expected(first["msg"])
        given = f" = {first['input']!r}" if first["loc"] else ""
        message = f"policy threshold {key}{given} is not usable: expected {expected}"
        raise InputError(message) from error


def _read_urgency(rule: str, text: str) -> Urgency | None:
    """An urgency as it is written in a policy; ``none`` is the rule's own."""
    if text.lower() == "none":
        return None
    if text.upper() in Urgency.__members__:
        return Urgency[text.upper()]
    known = ", ".join(Urgency.__members__)
    message = (
        f"policy threshold {rule}.{URGENCY} = {text!r} is not usable: expected none or one of "
        f"{known}"
    )
    raise InputError(message)


def _expected(message: str) -> str:
    return message.removeprefix("Input should be ").removeprefix("Value error, ")
