"""A policy as lines that a person reads, and what differs between two."""

from dataclasses import dataclass

from exit_pipeline.core.engine.compile_policy import URGENCY, say_value
from exit_pipeline.core.engine.policy import LIMITS, Policy, rule_classes
from exit_pipeline.core.model.policy_layer import DEFAULT

ON, OFF = "on", "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyLine:
    """A rule, or one threshold.

    Attributes:
        section: Name of the rule, ``quotes`` or ``prices``.
        threshold: Its name; empty on the line of the rule itself.
        value: As it is written in a policy; ``on`` or ``off`` on the line of a rule.
        origin: Who stated it.
        description: What it means, with its unit.
    """

    section: str
    threshold: str
    value: str
    origin: str
    description: str

    @property
    def key(self) -> str:
        """As it is written in a policy, such as ``stop_loss.percent``."""
        return f"{self.section}.{self.threshold}" if self.threshold else self.section


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDifference:
    """A rule or threshold that two policies have differently; ``-`` where one has it not."""

    key: str
    first: str
    second: str


def policy_lines(policy: Policy) -> list[PolicyLine]:
    """Every rule, those that are on with each threshold, and the limits, in order."""
    sections = policy.sections
    lines = []
    for section in (*rule_classes(), *LIMITS):
        if section in rule_classes():
            lines.append(_of_rule(section, policy, is_on=section in sections))
        if section in sections:
            lines += _of_thresholds(section, policy)
    return lines


def policy_differences(first: Policy, second: Policy) -> list[PolicyDifference]:
    """What differs, rule by rule and threshold by threshold.

    Example: ``default`` and ``default, stop_loss.percent=25`` differ in ``stop_loss.percent``, 30
    and 25.
    """
    of_first, of_second = _values(first), _values(second)
    # A rule's thresholds stay next to it, whichever of the two has it on.
    places = {section: place for place, section in enumerate((*rule_classes(), *LIMITS))}
    keys = sorted({**of_first, **of_second}, key=lambda key: places[key.partition(".")[0]])
    pairs = ((key, of_first.get(key, "-"), of_second.get(key, "-")) for key in keys)
    return [
        PolicyDifference(key=key, first=ours, second=theirs)
        for key, ours, theirs in pairs
        if ours != theirs
    ]


def _values(policy: Policy) -> dict[str, str]:
    return {line.key: line.value for line in policy_lines(policy)}


def _of_rule(rule: str, policy: Policy, *, is_on: bool) -> PolicyLine:
    return PolicyLine(
        section=rule,
        threshold="",
        value=ON if is_on else OFF,
        origin=policy.origins.get(rule, DEFAULT),
        description=(rule_classes()[rule].__doc__ or "").strip().partition("\n")[0],
    )


def _of_thresholds(section: str, policy: Policy) -> list[PolicyLine]:
    model = policy.sections[section]
    fields = type(model).model_fields
    stated = dict(policy.urgencies).get(section)
    of_urgency = PolicyLine(
        section=section,
        threshold=URGENCY,
        value=stated.name if stated is not None else "none",
        origin=policy.origins.get(f"{section}.{URGENCY}", DEFAULT),
        description="How far its orders lean: PATIENT, NORMAL, FAST or EMERGENCY.",
    )
    return ([] if stated is None else [of_urgency]) + [
        PolicyLine(
            section=section,
            threshold=threshold,
            value=say_value(value),
            origin=policy.origins.get(f"{section}.{threshold}", DEFAULT),
            description=fields[threshold].description or "",
        )
        for threshold, value in model
    ]
