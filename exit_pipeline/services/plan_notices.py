"""Which messages are due: alerts are grouped by severity and cause, and told at a bearable pace."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from exit_pipeline.core.model.account import mask_account
from exit_pipeline.core.model.lines import SEVERITIES
from exit_pipeline.core.model.notice import Notice, NoticePace, OpenAlert

FIRST_WAIT: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = timedelta(minutes=5)
"""How long a failed message waits for its next attempt: twice as long each time, from the first
to the longest, which is one slot of the schedule."""

_SHORTEST_ID: Final = 6
"""Characters of an account that is masked in texts: ids of vendors have more, and shorter names,
such as ``demo``, may be a part of any word."""


def due_notices(alerts: Sequence[OpenAlert], pace: NoticePace, at: datetime) -> list[Notice]:
    """The messages that are due, the gravest first, then by the oldest alert.

    A cause is told when it has an alert that was not told yet at its present severity, and no
    message of it was sent within the quiet time; then with all such alerts. A CRITICAL one is told
    again, with all of its open alerts, once the repeat time has passed. A message that failed waits
    for its next attempt.

    Example: with alerts of one cause raised at 10:00, 10:05 and 10:20 and a quiet time of 15
    minutes, WARNINGs are told at 10:00 (one), 10:15 (the second) and 10:30 (the third); a CRITICAL
    cause at 10:15 with both, and so on every 15 minutes.

    Args:
        alerts: Those that nobody has acknowledged, the oldest first, as one notifier has them.
        pace: The quiet and the repeat time.
        at: Now.
    """
    groups: dict[tuple[str, str], list[OpenAlert]] = {}
    for one in alerts:
        groups.setdefault((one.severity, one.cause), []).append(one)
    due = []
    for severity in SEVERITIES:
        for (its, _), group in groups.items():
            if its == severity and (notice := _notice(group, pace, at)):
                due.append(notice)
    return due


def _notice(group: Sequence[OpenAlert], pace: NoticePace, at: datetime) -> Notice | None:
    """The message about a cause, if it is due."""
    new = [one for one in group if one.is_new]
    told = [one for one in group if not one.is_new]
    is_critical = group[0].severity == "CRITICAL"
    last = max((one.told.last_sent_at for one in told if one.told.last_sent_at), default=None)
    wants_more = bool(new) and _is_over(last, pace.quiet, at)
    wants_again = is_critical and last is not None and _is_over(last, pace.repeat, at)
    if not (wants_more or wants_again) or _waits(group, at):
        return None
    shown = [*new, *told] if is_critical else new
    return Notice(
        id=_notice_id(shown),
        severity=group[0].severity,
        cause=group[0].cause,
        alerts=tuple(_without_account(one) for one in shown),
        told_before=len(group) - len(shown),
        repeats=max((one.told.messages for one in shown if not one.is_new), default=0),
        at=at,
    )


def _is_over(last: datetime | None, wait: timedelta, at: datetime) -> bool:
    """Whether a wait is over; a clock that was set back must not make it longer."""
    return last is None or not timedelta() <= at - last < wait


def _waits(group: Sequence[OpenAlert], at: datetime) -> bool:
    """Whether a failed attempt is too young for the next one."""
    failed = [one.told for one in group if one.told.attempts and one.told.last_tried_at]
    if not failed:
        return False
    attempts = max(one.attempts for one in failed)
    last = max(one.last_tried_at for one in failed if one.last_tried_at is not None)
    # Beyond 2^10 it is the longest one for long, and no number of attempts may overflow.
    wait = min(FIRST_WAIT * 2 ** min(attempts - 1, 10), LONGEST_WAIT)
    return not _is_over(last, wait, at)


def _notice_id(alerts: Sequence[OpenAlert]) -> str:
    """A function of what is told and how often it was, so that a doubled message can be known."""
    parts = (f"{one.id} {one.severity} {one.told.messages}" for one in alerts)
    return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()[:32]


def _without_account(alert: OpenAlert) -> OpenAlert:
    """The alert with the account masked: whoever reads a chat need not know it in full."""
    account = alert.account
    if not account:
        return alert
    masked = mask_account(account)
    if len(account) < _SHORTEST_ID:
        return replace(alert, account=masked)
    return replace(
        alert,
        account=masked,
        subject=alert.subject.replace(account, masked),
        message=alert.message.replace(account, masked),
    )
