"""What the rungs of a profit target ask of the break-even stop, since no rule knows another."""

from itertools import accumulate
from typing import Any, Final

TARGET: Final = "profit_target"
STOP: Final = "break_even_stop"
RUNGS: Final = "the rungs of profit_target"
"""Origin of what they state."""


def raise_stops(models: dict[str, Any], switches: dict[str, bool]) -> list[str]:
    """Have BREAK_EVEN_STOP hold the stops that the rungs of PROFIT_TARGET set.

    Where it is not on by itself it is switched on for them alone. Done again it changes nothing.

    Args:
        models: Every section with its values; changed in place.
        switches: Which rules are on; changed in place.

    Returns:
        What it stated, as ``origins`` names it.

    Example: a first rung of 50 % with a stop of 0 has BREAK_EVEN_STOP leave the rest at the entry
    price, from when half of the contracts are closed on.
    """
    target, stop = models[TARGET], models[STOP]
    closed = accumulate(rung.close_share_percent for rung in target.rungs)
    asked = {
        (share, rung.stop_percent)
        for share, rung in zip(closed, target.rungs, strict=True)
        if rung.stop_percent is not None
    }
    if not switches[TARGET] or not asked:
        return []
    asked |= {(one.closed_percent, one.stop_percent) for one in stop.after_closing}
    own = {name: value for name, value in stop if name != "after_closing"}
    stated = [f"{STOP}.after_closing"]
    if not switches[STOP]:
        own["activation_percent"] = None
        stated += [STOP, f"{STOP}.activation_percent"]
    steps = [{"closed_percent": share, "stop_percent": level} for share, level in sorted(asked)]
    models[STOP] = type(stop)(**own, after_closing=steps)
    switches[STOP] = True
    return stated
