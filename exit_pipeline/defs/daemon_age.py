"""How long ago Dagster's daemon last showed itself."""

from datetime import UTC, datetime, timedelta

import dagster as dg


def daemon_age(on: dg.DagsterInstance, at: datetime) -> timedelta | None:
    """How old the oldest sign of life is, among the daemon's parts that the instance needs.

    Each part signs about every 30 seconds.

    Args:
        on: The instance.
        at: Now.

    Returns:
        Its age; None where a part never showed itself.
    """
    beats = on.get_daemon_heartbeats()
    needed = set(on.get_required_daemon_types())
    if not needed or not needed <= beats.keys():
        return None
    oldest = min(beats[one].timestamp for one in needed)
    return at - datetime.fromtimestamp(oldest, UTC)
