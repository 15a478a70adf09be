"""What a person does at the controls: acknowledges alerts, halts trading, and resumes it."""

from typing import Final

from exit_pipeline_tests.simulation.world import World

_ACKNOWLEDGE: Final = """
    UPDATE alerts SET acknowledged_at = clock_timestamp(), acknowledged_by = 'a person'
    WHERE acknowledged_at IS NULL
"""
_SWITCH: Final = """
    UPDATE trading_control SET state = %s, reason = %s, changed_by = 'a person',
        changed_at = clock_timestamp() WHERE state <> %s
"""
_HALTED_BY_ITSELF: Final = """
    SELECT reason FROM trading_control
    WHERE state <> 'ACTIVE' AND changed_by <> 'a person'
      AND changed_at < clock_timestamp() - interval '12 minutes'
"""


def has_switch(world: World) -> bool:
    """Whether the program can be halted at all."""
    return "trading_control" in world.database.tables


def switch(world: World, state: str, reason: str) -> None:
    """Move the switch of trading."""
    world.tell_time()
    world.database.rows(_SWITCH, state, reason, state)
    world.history.note("person", f"switches to {state}: {reason}")


def look_at_everything(world: World) -> None:
    """Acknowledge what was raised, and let trading go on."""
    world.tell_time()
    world.database.rows(_ACKNOWLEDGE)
    if has_switch(world):
        switch(world, "ACTIVE", "looked at everything")


def look_at_halts(world: World) -> int:
    """Resume what halted by itself a while ago, so that the rest of the day is simulated.

    Returns:
        How often it had halted: 0 or 1.
    """
    if not has_switch(world):
        return 0
    halted = world.database.rows(_HALTED_BY_ITSELF)
    for row in halted:
        switch(world, "ACTIVE", f"looked at: {row['reason']}")
    return len(halted)
