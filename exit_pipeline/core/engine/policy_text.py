"""Read policies as people write them in one line.

A policy is written as a name, as overrides of single thresholds, or both, separated by commas:
``default``, ``stop_loss.percent=25``, ``long_premium, time_exit.applies_to=all, gex_flip=off``. Of
one threshold the last value counts, and of ``RULE=on`` and ``RULE=off`` the last one. A threshold
switches its rule on as well, unless that is off: what somebody switched off stays off until it is
switched on by name.
"""

from collections.abc import Mapping, Sequence

from exit_pipeline.core.engine.compile_policy import compile_policy
from exit_pipeline.core.engine.policy import LIMITS, Policy, rule_classes, section_classes
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.policy_layer import DEFAULT, PolicyLayer, PolicyLibrary


def combine_policies(texts: Mapping[str, str | None], library: PolicyLibrary) -> Policy:
    """One policy of several texts, in which a later one wins, value by value.

    The last text that names a policy says what all of them stand on; without one that is
    ``default``.

    Args:
        texts: By origin, such as ``position`` and ``launch``, from the lowest to the highest.
        library: Named policies.

    Raises:
        InputError: A text can't be read, or states what can't be used.

    Example: ``{"position": "stop_loss.percent=25", "launch": "stop_loss.percent=20"}`` stops at
    -20 %.
    """
    layers = [read_layer(text or "", origin, library) for origin, text in texts.items()]
    return compile_policy(named_policy(*texts.values()), layers, library)


def named_policy(*texts: str | None) -> str:
    """The name that the last of the texts with one begins with, else ``default``."""
    names = [item for text in texts for item in _items(text or "")[:1] if "=" not in item]
    return names[-1] if names else DEFAULT


def read_layer(text: str, origin: str, library: PolicyLibrary) -> PolicyLayer:
    """What a text states over the policy that it names.

    Raises:
        InputError: It is not of the form above, or names a policy or rule that is not known.
    """
    items = _items(text)
    _check_names(text, items, library)
    switches: dict[str, bool] = {}
    values: dict[str, str] = {}
    for item in items:
        if "=" in item:
            _read_override(item, switches, values)
    return PolicyLayer(origin=origin, switches=switches, values=values)


def _items(text: str) -> list[str]:
    return [" ".join(item.split()) for item in text.split(",") if item.strip()]


def _check_names(text: str, items: Sequence[str], library: PolicyLibrary) -> None:
    for place, item in enumerate(items):
        if item in library and place:
            message = f"policy {text!r} has the name {item!r} after another part; it comes first"
            raise InputError(message)
        if item not in library and "=" not in item:
            message = (
                f"policy {text!r} has {item!r}, which is neither a name of "
                f"{', '.join(sorted(library))} nor SECTION.THRESHOLD=VALUE nor RULE=on nor RULE=off"
            )
            raise InputError(message)


def _read_override(item: str, switches: dict[str, bool], values: dict[str, str]) -> None:
    key, _, value = (part.strip() for part in item.partition("="))
    section, _, threshold = key.partition(".")
    if section in rule_classes() and not threshold and value in {"on", "off"}:
        switches[section] = value == "on"
    elif section in section_classes() and threshold:
        values[key] = value
    else:
        message = (
            f"policy override {item!r} must be SECTION.THRESHOLD=VALUE, RULE=on or RULE=off, with "
            f"a section of {', '.join((*rule_classes(), *LIMITS))}"
        )
        raise InputError(message)
