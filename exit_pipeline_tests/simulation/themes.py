"""Days on which one thing goes wrong again and again.

A day on which anything may go wrong has a handful of some seventy faults, so that what takes two or
three particular ones soon after each other would have to be looked for in thousands of days. A
third of the seeds have a theme instead: more faults, of few kinds, that make each other worse, and
exits that are asked for by hand, so that there is always one under way.
"""

from collections.abc import Mapping
from typing import Final

from exit_pipeline_tests.simulation.streams import stream

_SHARE: Final = 1 / 3

THEMES: Final[Mapping[str, Mapping[str, float]]] = {
    "sending": {
        "force_close": 5,
        "freeze_posting": 4,
        "freeze_money": 1,
        "freeze_anywhere": 1,
        "pause_deciding": 3,
        "crash_money": 2,
        "second_engine_money": 2,
        "commit_unseen": 1,
        "post_late_arrival": 1,
        "visibility_lag": 1,
    },
    "late": {
        "force_close": 5,
        "post_late_arrival": 4,
        "post_lost_response": 1,
        "post_refused": 4,
        "post_status_500": 1,
        "visibility_lag": 2,
        "impatient_launches": 5,
        "burst": 1,
        "manual_launch": 2,
    },
    "blind": {
        "force_close": 6,
        "post_lost_response": 8,
        "post_lost_request": 1,
        "hides_filled": 6,
        "untraded": 2,
        "pages_of_two": 4,
        "shared_limit": 2,
        "look_empty": 1,
        "look_of_before": 1,
        "visibility_lag": 1,
        "impatient_launches": 2,
        "manual_launch": 1,
    },
    "fills": {
        "force_close": 6,
        "untraded": 6,
        "cancel_not_confirmed": 5,
        "partial_then_cancel": 2,
        "late_fill_after_cancel": 4,
        "halt_new": 2,
        "cancel_all": 2,
        "unknown_status": 2,
        "look_of_before": 2,
        "cancel_too_late": 1,
        "cancel_lost_response": 1,
        "rejected_after_taken": 1,
        "quote_missing": 1,
        "manual_launch": 2,
    },
    "hands": {
        "force_close": 5,
        "closed_by_hand": 5,
        "order_by_hand": 4,
        "positions_some": 1,
        "positions_of_before": 1,
        "activities_lost_response": 1,
        "post_lost_response": 1,
        "manual_launch": 1,
    },
    "rehearsals": {
        "force_close": 5,
        "dry_run": 5,
        "filtered_launch": 1,
        "manual_launch": 1,
        "freeze_anywhere": 1,
        "second_engine_anywhere": 1,
    },
}
"""By theme: weights of the faults that it consists of, by their names."""


def theme_of(seed: int) -> str:
    """The theme of a seed's day; empty for an ordinary one."""
    chance = stream(seed, "theme")
    return chance.choice(sorted(THEMES)) if chance.random() < _SHARE else ""
