"""Where to look for mutants that only some faults bring out.

A seed has a handful of some sixty faults, so a mistake that shows only in a dry run would have to
be looked for in hundreds of days without one.
"""

from collections.abc import Mapping
from typing import Final

_FREEZES: Final = frozenset({"freeze_anywhere", "freeze_money"})
_TWO_ENGINES: Final = _FREEZES | {"second_engine_anywhere", "second_engine_money"}
_DELAYS: Final = frozenset({"post_late_arrival", "post_lost_response", "visibility_lag"})
_BY_HAND: Final = frozenset({"closed_by_hand", "order_by_hand"})
_LATE_FILLS: Final = frozenset({"late_fill_after_cancel", "rejected_after_taken"})

SHOWS_WITH: Final[Mapping[str, frozenset[str]]] = {
    "commits_after_the_post": frozenset(
        {"commit_unseen", "killed_before_commit", "crash_money", "crash_anywhere"}
    ),
    "refused_again_is_refused": _DELAYS,
    "sends_however_late": _FREEZES,
    "no_quarantine": frozenset({"impatient_launches"}),
    "sender_may_live": _TWO_ENGINES,
    "holdings_prove_nothing": _DELAYS | {"look_empty"},
    "late_fills_never": _LATE_FILLS,
    "holdings_first": _LATE_FILLS | {"cancel_not_confirmed"},
    "positions_share_a_symbol": _BY_HAND | {"positions_some"},
    "strangers_are_nobody": _LATE_FILLS | {"order_by_hand", "post_late_arrival"},
    "sells_what_is_not_held": _BY_HAND,
    "ignores_late_fills": _LATE_FILLS,
    "ended_orders_live_again": _LATE_FILLS | {"cancel_not_confirmed"},
    "dry_run_holds_the_account": frozenset({"dry_run"}),
    "dry_run_sends": frozenset({"dry_run"}),
    "old_decisions_are_sent": _FREEZES,
    "no_fence": _TWO_ENGINES,
    "two_engines_at_once": _TWO_ENGINES,
    "nobody_guards_what_is_held": _BY_HAND,
    "old_and_closed": _FREEZES,
    "listing_of_25": frozenset({"pages_of_two"}),
    "ok_is_cancelled": frozenset({"cancel_not_confirmed", "cancel_too_late"}),
    "unknown_status_is_an_end": frozenset({"unknown_status"}),
    "no_budget": frozenset({"impatient_launches", "burst"}),
}
"""By mutant: faults of which a seed must have one to be tried. Every seed is, of one not named."""
