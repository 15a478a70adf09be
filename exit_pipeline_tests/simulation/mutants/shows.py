"""Where to look for mutants that only days with a theme bring out.

On an ordinary day anything may go wrong, so that what takes two or three particular faults soon
after each other would have to be looked for in thousands of days.
"""

from collections.abc import Mapping
from typing import Final

SHOWS_IN: Final[Mapping[str, str]] = {
    "commits_after_the_post": "sending",
    "sends_however_late": "sending",
    "sender_may_live": "sending",
    "no_fence": "sending",
    "old_decisions_are_sent": "sending",
    "no_fence_and_no_age": "sending",
    "however_old": "sending",
    "two_engines_at_once": "sending",
    "given_up_lives_again": "late",
    "old_and_closed": "sending",
    "refused_again_is_refused": "late",
    "no_quarantine": "late",
    "holdings_prove_nothing": "blind",
    "holdings_first": "late",
    "neither_order_nor_quarantine": "late",
    "listing_of_25": "blind",
    "no_budget": "blind",
    "late_fills_never": "fills",
    "ignores_late_fills": "fills",
    "ended_orders_live_again": "fills",
    "ok_is_cancelled": "fills",
    "unknown_status_is_an_end": "fills",
    "never_escalates": "fills",
    "positions_share_a_symbol": "hands",
    "strangers_are_nobody": "hands",
    "sells_what_is_not_held": "hands",
    "nobody_guards_what_is_held": "hands",
    "dry_run_holds_the_account": "rehearsals",
    "dry_run_sends": "rehearsals",
}
"""By mutant: the theme that a seed must have to be tried. Every seed is, of one not named."""
