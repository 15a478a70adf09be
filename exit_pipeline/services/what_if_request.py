"""What a what-if is asked for, and the policies that come of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import product
from typing import Final, Self

from exit_pipeline.core.engine.compile_policy import compile_policy
from exit_pipeline.core.engine.layer_of_policy import changed_policy
from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.engine.policy_text import combine_policies, read_layer
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.policy_layer import DEFAULT, PolicyLibrary
from exit_pipeline.core.replay.lots import FEE
from exit_pipeline.services.recorded_days import RecordedDays

RECORDED: Final = "recorded"
"""What is compared with, unless told otherwise: the exits that were decided."""

OWN: Final = "own"
"""How each position's own recorded policy is named where changes are laid over it."""

CHUNK: Final = 100_000
"""Decisions in memory at a time, unless told otherwise."""

SEED: Final = 1
"""Of the resampling, unless told otherwise."""

MOST_POLICIES: Final = 500
"""Policies of one what-if: a grid of four thresholds is soon larger, and nobody reads that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfRequest(RecordedDays):
    """What is to be tried on the past.

    Attributes:
        policies: Texts of policies, each tried by itself; without any, each position's own.
        changes: Laid over each of them, such as ``stop_loss.percent=25``.
        grid: Values by threshold, as they are written; each combination is tried.
        compare_to: RECORDED, or the text of a policy.
        dry_run: Of dry runs, or of decisions that counted.
        fee: Dollars for closing one contract.
        seed: Of the resampling.
        chunk: Decisions in memory at a time; a position with more is read as a whole.
    """

    policies: Sequence[str] = ()
    changes: Sequence[str] = ()
    grid: Mapping[str, Sequence[str]] = field(default_factory=dict)
    compare_to: str = RECORDED
    dry_run: bool | None = False
    fee: Decimal = FEE
    seed: int = SEED
    chunk: int = CHUNK

    def __post_init__(self) -> None:
        RecordedDays.__post_init__(self)
        if not self.fee.is_finite() or self.fee < 0:
            message = f"fee is {self.fee}; expected 0 or more dollars a contract"
            raise InputError(message)
        if self.seed < 0:
            message = f"seed is {self.seed}; expected 0 or more"
            raise InputError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What is tried.

    Attributes:
        label: How it is told apart from the others.
        name: The policy in one line; None where each position has its own.
        hash: Of the policy; None likewise.
        at: Its values in the grid, by threshold.
    """

    label: str
    name: str | None = None
    hash: str | None = None
    at: Mapping[str, str] = field(default_factory=dict)

    @property
    def base(self) -> str:
        """The label without the values of the grid.

        Example: ``own`` of ``own, stop_loss.percent=25`` in a grid of that threshold.
        """
        values = ", ".join(f"{key}={value}" for key, value in self.at.items())
        return self.label.removesuffix(values).removesuffix(", ") if values else self.label


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One policy that is tried, or the change that is laid over each position's own.

    Attributes:
        label: How it is told apart from the others.
        policy: The policy; None where each position has its own.
        change: Laid over each position's own; empty where there is a policy.
        at: Its values in the grid, by threshold.
        library: Named policies.
    """

    label: str
    policy: Policy | None
    change: str = ""
    at: Mapping[str, str] = field(default_factory=dict)
    library: PolicyLibrary

    def over(self, own: Policy) -> Policy:
        """What becomes of a position's own policy."""
        return changed_policy(own, read_layer(self.change, "what-if", self.library), self.library)

    @property
    def named(self) -> Named:
        """What it is called."""
        name, own_hash = (self.policy.name, self.policy.hash) if self.policy else (None, None)
        return Named(label=self.label, name=name, hash=own_hash, at=self.at)

    @classmethod
    def of_text(cls, text: str, library: PolicyLibrary) -> Self:
        """One policy by its text.

        Raises:
            InputError: It is none.
        """
        return cls(label=text, policy=combine_policies({"what-if": text}, library), library=library)


def variants_of(request: WhatIfRequest, library: PolicyLibrary) -> list[Variant]:
    """Every policy that is tried, in the order of the request, each once.

    Raises:
        InputError: A text is no policy, a change no change, or nothing is to be tried, or too much.
    """
    points = list(_points(request))
    bases = request.policies or (OWN,)
    if not request.policies and points == [{}] and not request.changes:
        message = "there is nothing to try; expected a policy, a change or a grid"
        raise InputError(message)
    if len(bases) * len(points) > MOST_POLICIES:
        message = (
            f"{len(bases) * len(points):,} policies are to be tried; expected {MOST_POLICIES} at "
            "most"
        )
        raise InputError(message)
    found = [
        _variant(base, request, point, library) for base in dict.fromkeys(bases) for point in points
    ]
    return list({one.label: one for one in found}.values())


def _points(request: WhatIfRequest) -> Iterator[dict[str, str]]:
    for key, values in request.grid.items():
        if not values or not all(value.strip() for value in values):
            message = (
                f"grid of {key} has the values {', '.join(values)!r}; expected some separated by "
                "commas, such as 15,20,25"
            )
            raise InputError(message)
    for values in product(*(dict.fromkeys(values) for values in request.grid.values())):
        yield dict(zip(request.grid, values, strict=True))


def _variant(
    base: str, request: WhatIfRequest, at: Mapping[str, str], library: PolicyLibrary
) -> Variant:
    """A policy with the changes and the values of one point of the grid."""
    change = ", ".join([*request.changes, *(f"{key}={value}" for key, value in at.items())])
    _refuse_names(change)
    layer = read_layer(change, "what-if", library)
    if not request.policies:
        # A value that can't be used is told of now, and not with the first position that has it.
        compile_policy(DEFAULT, [layer], library)
        label = f"{OWN}, {change}"
        return Variant(label=label, policy=None, change=change, at=at, library=library)
    text = ", ".join([base, change] if change else [base])
    found = combine_policies({"what-if": text}, library)
    return Variant(label=text, policy=found, at=at, library=library)


def _refuse_names(change: str) -> None:
    for item in filter(None, (part.strip() for part in change.split(","))):
        if "=" not in item:
            message = (
                f"change {item!r} is none; expected SECTION.THRESHOLD=VALUE, RULE=on or RULE=off, "
                "such as stop_loss.percent=25"
            )
            raise InputError(message)
