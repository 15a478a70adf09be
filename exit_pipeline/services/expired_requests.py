"""Requests to close a position that expired before it was closed: a person is told, once."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from exit_pipeline.core.model.position import Position
from exit_pipeline.core.model.record import Alert
from exit_pipeline.ports import Calendar, Database


def tell_expired(
    positions: Sequence[Position],
    runs: Mapping[str, str],
    at: datetime,
    *,
    database: Database,
    calendar: Calendar,
) -> list[str]:
    """Raise an alert for each request that expired while its position is still open.

    Args:
        positions: Open positions, as they are after the books were brought up to date.
        runs: The run that works each account.
        at: The tick's moment.
        database: Keeps who was told. Killed in between, a tick is followed by one that tells again.
        calendar: Its zone is the person's.

    Returns:
        One sentence for each.
    """
    run_of = {
        one.id: runs[one.account]
        for one in positions
        if one.account is not None and one.account in runs
    }
    expired = database.exit_requests.expired(list(run_of), at) if run_of else []
    if not expired:
        return []
    left = {one.id: one.open_quantity for one in positions}
    alerts = [
        Alert(
            severity="CRITICAL",
            cause="EXIT_REQUEST_EXPIRED",
            subject=f"{one.position_id} {one.id}",
            message=f"{one.requested_by} asked to close {one.position_id} ({one.reason}) until "
            f"{one.expires_at.astimezone(calendar.zone):%Y-%m-%d %H:%M %Z}, and "
            f"{left[one.position_id]} of it are still open: nobody closes them any more",
            run_id=run_of[one.position_id],
        )
        for one in expired
    ]
    database.runs.raise_alerts(alerts)
    database.exit_requests.note_expired([one.id for one in expired], at)
    return [alert.message for alert in alerts]
