"""One layer of a policy: what one file, row or text states of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

DEFAULT: Final = "default"
"""The policy that every other one stands on, and that a position has which names none."""

EXIT_RULES: Final = "exit_rules"
"""The policy that is read from the table of this name, instead of a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyLayer:
    """What is stated in one place; whatever is not stated comes from the layer below.

    Attributes:
        origin: Who states it: the name of a policy, ``exit_rules row 7``, ``position``, ``launch``.
        based_on: The policy below; None only below everything.
        description: For people: what it is for, and where its numbers come from.
        source: Where a person finds it, such as the path of a file.
        switches: Rules that are said to be on or off.
        values: Thresholds as they are written, by ``SECTION.THRESHOLD``, such as
            ``stop_loss.percent``. A threshold switches its rule on unless that is said to be off.
        fault: Why it can't be used, as a sentence; empty where it can.
    """

    origin: str
    based_on: str | None = DEFAULT
    description: str = ""
    source: str = ""
    switches: Mapping[str, bool] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""


PolicyLibrary: TypeAlias = Mapping[str, PolicyLayer]
"""Named policies by name, among them ``default``."""
