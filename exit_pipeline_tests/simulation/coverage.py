"""What must have happened sometimes: else the simulation has proved nothing about it.

Three tables: transitions of orders, faults, and rows of the table of what fails safe.
Each is counted over all seeds, and from ``ENOUGH_SEEDS`` seeds on what never happened is a failure.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from exit_pipeline_tests.simulation.faults import KINDS
from exit_pipeline_tests.simulation.simulator import Outcome

ENOUGH_SEEDS: Final = 200

TRANSITIONS: Final = (
    "PENDING -> SUBMITTED",
    "PENDING -> ABANDONED",
    "SUBMITTED -> UNKNOWN",
    "SUBMITTED -> ACCEPTED",
    "SUBMITTED -> FILLED",
    "SUBMITTED -> PARTIAL_FILL",
    "SUBMITTED -> REJECTED",
    "UNKNOWN -> ACCEPTED",
    "UNKNOWN -> FILLED",
    "UNKNOWN -> SUBMITTED",
    "UNKNOWN -> ABANDONED",
    "ACCEPTED -> PARTIAL_FILL",
    "ACCEPTED -> FILLED",
    "ACCEPTED -> CANCELLED",
    "ACCEPTED -> EXPIRED",
    "ACCEPTED -> PENDING_CANCEL",
    "PARTIAL_FILL -> FILLED",
    "PARTIAL_FILL -> CANCELLED",
    "PARTIAL_FILL -> PENDING_CANCEL",
    "PENDING_CANCEL -> CANCELLED",
    "PENDING_CANCEL -> FILLED",
)
"""Ways that orders go, by the words of ``orders.status``."""

FAIL_SAFE: Final[Mapping[str, tuple[str, ...]]] = {
    "quote BAD": (
        "quote_missing",
        "quote_one_side",
        "quote_nonfinite",
        "quote_crossed",
        "quote_zero_bid",
        "quote_expired",
        "quote_future",
    ),
    "quote DEGRADED": ("quote_locked", "quote_stale", "quote_wide", "quote_no_size"),
    "all market data down": ("feed_down",),
    "VIX missing": ("vix_missing",),
    "database down": ("killed_before_commit", "killed_in_statement"),
    "database write unknown": ("commit_unseen",),
    "broker silent on submit": ("post_lost_request", "post_lost_response", "post_late_arrival"),
    "broker 5xx on submit": ("post_status_500", "post_status_502", "post_status_504"),
    "broker 429": ("post_status_429", "look_status_429", "cancel_status_429"),
    "broker 401": ("any_wrong_key",),
    "positions endpoint fails": ("positions_lost_response",),
    "broker holds less": ("closed_by_hand",),
    "broker's positions are wrong": ("positions_none", "positions_some", "positions_of_before"),
    "order still working": ("order_by_hand", "halt"),
    "partial fill": ("partial_then_cancel",),
    "overlapping run": ("second_engine_anywhere", "second_engine_money"),
    "frozen run": ("freeze_anywhere", "freeze_money"),
    "killed run": ("crash_anywhere", "crash_money"),
    "late or superseded tick": ("late_tick", "burst"),
    "clock skew": ("clock_ahead", "clock_behind"),
    "underlying halted": ("halt",),
    "worthless": ("quote_worthless",),
    "trading halted by a person": ("halt_new", "cancel_all", "frozen_switch"),
}
"""Rows of the fail-safe table, and the faults any of which brings them about."""

SPECIAL_DAYS: Final = ("half_days", "expiring_positions", "overnight")


class Coverage:
    """Counts over seeds.

    Attributes:
        seeds: How many.
        injected: Faults that struck, by name; survived are those of seeds without a violation.
        transitions: Of orders.
        points: Points that were reached.
    """

    def __init__(self) -> None:
        self.seeds = 0
        self.injected: Counter[str] = Counter()
        self.survived: Counter[str] = Counter()
        self.transitions: Counter[str] = Counter()
        self.points: Counter[str] = Counter()
        self.days: Counter[str] = Counter()

    def add(self, outcome: Outcome) -> None:
        self.seeds += 1
        names = [one.kind.name for one in outcome.struck]
        self.injected.update(names)
        if not outcome.violations:
            self.survived.update(names)
        self.transitions.update(outcome.transitions)
        self.points.update(outcome.points)
        self.days.update({name: outcome.counts[name] for name in SPECIAL_DAYS})

    def missing(self) -> list[str]:
        """What never happened, in words; nothing while the seeds are too few."""
        if self.seeds < ENOUGH_SEEDS:
            return []
        return [
            *_absent("transition", TRANSITIONS, self.transitions),
            *_absent("fault", (kind.name for kind in KINDS), self.injected),
            *_absent("day", SPECIAL_DAYS, self.days),
            *(
                f"fail-safe row {row!r} never occurred"
                for row, faults in FAIL_SAFE.items()
                if not any(self.injected[fault] for fault in faults)
            ),
        ]

    def rows(self) -> dict[str, int]:
        """How often each row of the fail-safe table was brought about."""
        return {row: sum(self.injected[one] for one in faults) for row, faults in FAIL_SAFE.items()}


def _absent(what: str, wanted: Iterable[str], seen: Counter[str]) -> list[str]:
    return [f"{what} {name} never occurred" for name in wanted if not seen[name]]
