"""What shadow policies decided at past ticks, beside what was decided in earnest."""

from dataclasses import dataclass, field
from typing import Final

from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.recorded import RecordedShadows
from exit_pipeline.ports import Calendar, Database
from exit_pipeline.services.open_tick import CODE_VERSION
from exit_pipeline.services.portions import Portions, portions_of, read_paths
from exit_pipeline.services.recorded_paths import RecordedPaths
from exit_pipeline.services.shadow_paths import shadow_paths
from exit_pipeline.services.what_if import Progress, count_untold
from exit_pipeline.services.what_if_report import WhatIfReport
from exit_pipeline.services.what_if_request import Named, WhatIfRequest

STRETCH: Final = (
    "Each shadow policy is compared from a position's first tick with it to the last one. It saw "
    "the contracts that were really held, so that an exit counts where it was first told."
)


@dataclass(slots=True, kw_only=True)
class _Shadow:
    """What is known of one shadow policy so far.

    Attributes:
        portions: Its results.
        policies: What its name stood for, by hash.
        without: Ticks on positions at which it has no decision.
    """

    portions: Portions
    policies: dict[str, Policy] = field(default_factory=dict)
    without: int = 0

    def named(self, label: str) -> Named:
        """What it is called; where its name stood for several policies, by that alone."""
        if len(self.policies) != 1:
            return Named(label=label)
        ((own_hash, policy),) = self.policies.items()
        return Named(label=label, name=policy.name, hash=own_hash)


def compare_shadows(
    request: WhatIfRequest,
    *,
    database: Database,
    calendar: Calendar,
    progress: Progress = lambda done, total: None,  # noqa: ARG005 nobody listens
) -> WhatIfReport:
    """Compare what each shadow policy decided with what was decided in earnest.

    Args:
        request: Of which days and runs; its policies are names of shadow policies, and without any
            all are compared.
        database: Where they are recorded.
        calendar: In whose time zone days begin and end.
        progress: Is told how many decisions are done.

    Raises:
        InputError: A day is none that the calendar serves, or nothing is recorded of the shadow
            policies that are asked for.
        UnavailableError: The database did not answer.
    """
    for day in (request.first, request.last):
        calendar.session(day)  # refuses a date that the calendar does not serve
    asked = request.whole_range(calendar.zone)
    report = WhatIfReport(request=request, label=asked.label, code_version=CODE_VERSION)
    positions = count_untold(report, asked, database, calendar)
    found = sum(one.decisions for one in positions)
    everything, done = found + report.left_out.total(), 0
    shadows: dict[str, _Shadow] = {}
    for part in portions_of(positions, request.chunk):
        recorded = read_paths(database.replays, asked, part)
        report.left_out.update(recorded.left_out)
        report.decisions += len(recorded.paths.book)
        report.positions += len(recorded.paths)
        if len(recorded.paths):
            made = database.replays.shadows_of(asked, [one.id for one in part])
            _add(recorded, made, shadows, report)
        done += sum(one.decisions for one in part)
        progress(done, found)
    report.refuse_nothing(everything)
    _refuse_unknown(request, shadows)
    _close(report, shadows)
    return report


def _add(
    recorded: RecordedPaths,
    made: RecordedShadows,
    shadows: dict[str, _Shadow],
    report: WhatIfReport,
) -> None:
    """Take what shadow policies decided on some paths to account."""
    request = report.request
    for number, name in enumerate(made.names):
        if request.policies and name not in request.policies:
            continue
        found = shadow_paths(recorded, made, number)
        report.left_out.update(found.left_out)
        part = found.recorded
        if len(part.paths):
            new = _Shadow(portions=Portions(fee=request.fee, seed=request.seed))
            shadow = shadows.setdefault(name, new)
            shadow.portions.add(part.paths, part.tracked, part.exits(), [found.exits])
            shadow.policies |= {policy.hash: policy for policy in found.policies}
            shadow.without += found.without


def _refuse_unknown(request: WhatIfRequest, shadows: dict[str, _Shadow]) -> None:
    span = f"from {request.first} to {request.last}"
    if not shadows and not request.policies:
        message = f"no decision of a shadow policy is recorded {span}"
        raise InputError(message)
    for name in request.policies:
        if name not in shadows:
            known = ", ".join(sorted(shadows)) or "none"
            message = (
                f"no decision of a shadow policy {name!r} is recorded {span}; of those that are "
                f"asked for there are: {known}"
            )
            raise InputError(message)


def _close(report: WhatIfReport, shadows: dict[str, _Shadow]) -> None:
    report.notes.append(STRETCH)
    for name, shadow in sorted(shadows.items()):
        report.tried += shadow.portions.tried([shadow.named(name)])
        if len(shadow.policies) > 1:
            report.notes.append(f"{name} stood for {len(shadow.policies)} policies in this time.")
        if shadow.without:
            report.notes.append(
                f"{name} has no decision at {shadow.without:,} ticks on positions, where it closes "
                "nothing."
            )
