"""Try policies on the recorded past: what they would have left, when, and what that had brought."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np

from exit_pipeline.core.model.policy_layer import PolicyLibrary
from exit_pipeline.core.model.recorded import RecordedPosition, RecordedRange
from exit_pipeline.core.replay.exits import Exits
from exit_pipeline.core.replay.follow_policy import follow_own_policies, follow_policies
from exit_pipeline.ports import Calendar, Database, Tape
from exit_pipeline.services.audit import UNTIMED
from exit_pipeline.services.open_tick import CODE_VERSION
from exit_pipeline.services.portions import Portions, portions_of, read_paths
from exit_pipeline.services.recorded_paths import RecordedPaths
from exit_pipeline.services.tape_rows import TapeRows
from exit_pipeline.services.what_if_report import WhatIfReport
from exit_pipeline.services.what_if_request import (
    OWN,
    RECORDED,
    Variant,
    WhatIfRequest,
    variants_of,
)

NO_POSITION: Final = "kept without a position"
"""Why a decision is in no path."""

_AT_ONCE: Final = 8
"""Policies that are followed at a time, after which the progress is told."""

Progress = Callable[[int, int], None]
"""Is told how many decisions times policies are done, and how many there are in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """What is followed on every portion of the paths.

    Attributes:
        variants: What is tried.
        against: The policy that is compared with; None where that is what was decided.
    """

    variants: Sequence[Variant]
    against: Variant | None

    @classmethod
    def of(cls, request: WhatIfRequest, library: PolicyLibrary) -> "Ways":
        """Read every text of a request.

        Raises:
            InputError: One of them is no policy.
        """
        is_recorded = request.compare_to == RECORDED
        against = None if is_recorded else Variant.of_text(request.compare_to, library)
        return cls(variants=variants_of(request, library), against=against)

    def baseline(self, recorded: RecordedPaths) -> Exits:
        """The exits that all are compared with."""
        return recorded.exits() if self.against is None else _follow(recorded, [self.against])[0]

    def each(self, recorded: RecordedPaths) -> Iterator[Exits]:
        """The exits of each variant, some followed at a time."""
        variants = iter(self.variants)
        while some := list(islice(variants, _AT_ONCE)):
            yield from _follow(recorded, some)


def what_if(
    request: WhatIfRequest,
    *,
    database: Database,
    calendar: Calendar,
    library: PolicyLibrary,
    tape: Tape | None = None,
    progress: Progress = lambda done, total: None,  # noqa: ARG005 nobody listens
) -> WhatIfReport:
    """Follow policies along the recorded paths of positions, and compare.

    Args:
        request: What is to be tried.
        database: Where decisions are recorded.
        calendar: In whose time zone days begin and end.
        library: Named policies.
        tape: Where prices come from beyond the recorded ones.
        progress: Is told how far it is.

    Raises:
        InputError: A text is no policy, a day is none that the calendar serves, or nothing is
            recorded that could be walked.
        UnavailableError: The database did not answer.
    """
    for day in (request.first, request.last):
        calendar.session(day)  # refuses a date that the calendar does not serve
    ways, asked = Ways.of(request, library), request.whole_range(calendar.zone)
    report = WhatIfReport(request=request, label=asked.label, code_version=CODE_VERSION)
    if ways.against is not None:
        report.compare_to = ways.against.label
    positions = count_untold(report, asked, database, calendar)
    found = sum(one.decisions for one in positions)
    everything = found + report.left_out.total()
    walk = _Walk(
        report=report,
        ways=ways,
        tape=TapeRows(tape, calendar) if tape else None,
        portions=Portions(fee=request.fee, seed=request.seed),
        tell=lambda done: progress(done, found * len(ways.variants)),
    )
    for part in portions_of(positions, request.chunk):
        walk.along(read_paths(database.replays, asked, part), sum(one.decisions for one in part))
    report.refuse_nothing(everything)
    report.tried = walk.portions.tried([variant.named for variant in ways.variants])
    report.notes += walk.notes()
    return report


@dataclass(slots=True, kw_only=True)
class _Walk:
    """How far all ways have been followed.

    Attributes:
        report: What is found.
        ways: What is followed.
        tape: Where rows beyond the recorded ones come from.
        portions: The results so far.
        tell: Is told how many decisions times policies are done.
        done: So many.
        changing: How many positions were decided by more than one policy.
        growing: How many got further contracts on the way.
    """

    report: WhatIfReport
    ways: Ways
    tape: TapeRows | None
    portions: Portions
    tell: Callable[[int], None]
    done: int = 0
    changing: int = 0
    growing: int = 0

    def along(self, recorded: RecordedPaths, decisions: int) -> None:
        """Follow all ways along some paths, which were read for so many decisions."""
        self.report.left_out.update(recorded.left_out)
        after = self.done + decisions * len(self.ways.variants)
        if len(recorded.paths):
            self.report.decisions += len(recorded.paths.book)
            self.report.positions += len(recorded.paths)
            self.changing += recorded.changing
            self.growing += recorded.growing
            longer = _longer(recorded, self.ways, self.tape)
            others = self._telling(self.ways.each(longer), decisions)
            self.portions.add(longer.paths, longer.tracked, self.ways.baseline(longer), others)
        self.done = after
        self.tell(self.done)

    def _telling(self, ways: Iterator[Exits], decisions: int) -> Iterator[Exits]:
        for exits in ways:
            yield exits
            self.done += decisions
            self.tell(self.done)

    def notes(self) -> list[str]:
        """What a reader must know of how it was made."""
        notes = [
            "What moves an account as a whole stays as it was recorded: the day's P&L, its "
            "drawdown, forced closings and all context.",
            "An exit counts as filled in full, at the side of the quote that closing hits.",
        ]
        if self.changing and any(variant.policy is None for variant in self.ways.variants):
            notes.append(
                f"Positions that more than one policy decided: {self.changing:,}; of these, "
                f"{OWN!r} means the first one."
            )
        if self.growing:
            notes.append(
                f"Positions that got further contracts on the way: {self.growing:,}; these do not "
                "count."
            )
        return notes + (self.tape.notes() if self.tape else [])


def count_untold(
    report: WhatIfReport, asked: RecordedRange, database: Database, calendar: Calendar
) -> list[RecordedPosition]:
    """The positions of a range; decisions that are in no path are counted as left out."""
    untimed = sum(database.replays.untimed(asked, calendar.zone).values())
    positions = database.replays.positions(asked)
    of_none = sum(one.decisions for one in positions if not one.id)
    for reason, count in ((UNTIMED, untimed), (NO_POSITION, of_none)):
        if count:
            report.left_out[reason] += count
    return [one for one in positions if one.id]


def _longer(recorded: RecordedPaths, ways: Ways, tape: TapeRows | None) -> RecordedPaths:
    """Paths that go on where anything is still held at the end of the record, in any way."""
    if tape is None:
        return recorded
    is_held = np.zeros(len(recorded.paths), np.bool_)
    for exits in (ways.baseline(recorded), *ways.each(recorded)):
        left = exits.held.copy()
        np.subtract.at(left, recorded.paths.path_of(exits.row), exits.quantity)
        is_held |= left > 0
    more = tape.after(recorded, np.flatnonzero(is_held))
    return recorded if more is None else recorded.longer(more)


def _follow(recorded: RecordedPaths, variants: Sequence[Variant]) -> list[Exits]:
    """The exits of some variants, all of which have a policy or none of which has one."""
    policies = [variant.policy for variant in variants if variant.policy is not None]
    if policies:
        return follow_policies(recorded.paths, policies)
    return [
        follow_own_policies(
            recorded.paths, [variant.over(own) for own in recorded.policies], recorded.own
        )
        for variant in variants
    ]
