"""Tell people of alerts: through each notifier, each alert at least once, and no failure's cost.

What was sent is noted after it was sent. A process that ends in between leaves one message that is
sent again, under the same id; in every other case each is sent once. Where the database can be read
and takes no note, as a standby or on a full disk, the process itself remembers what it sent.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from traceback import format_tb
from typing import Final

from exit_pipeline.core.model.errors import (
    ConfigurationError,
    ExitPipelineError,
    UnavailableError,
)
from exit_pipeline.core.model.notice import Notice, NoticePace, NotifierRecord, OpenAlert
from exit_pipeline.core.model.record import Alert
from exit_pipeline.ports import Clock, Database, NotificationStore, Notifier
from exit_pipeline.services.plan_notices import due_notices

log = logging.getLogger(__name__)

FAILING_AFTER: Final = 3
"""Failures in a row from which on a notifier's own failing is an alert: with the waits between,
after a minute and a half."""

FAILING: Final = "NOTIFIER_FAILING"
"""Cause of that alert, whose subject is the notifier; it never goes through the notifier itself."""

BUDGET: Final = timedelta(seconds=8)
"""A notifier begins no further message after as long; what is left waits for the next evaluation.
Three of them, each with a last message of 8 seconds, stay below the 60 that a sensor has."""


_UNNOTED: Final[dict[tuple[str, str], datetime]] = {}
"""When messages went that the database took no note of, by notifier and id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What one notifier did in one evaluation.

    Attributes:
        notifier: Its name.
        sent: Messages that were taken.
        failed: Messages that were not.
        error: Why the last of those was not; empty without one.
        is_busy: Another process told through it, so nothing was done.
    """

    notifier: str
    sent: int = 0
    failed: int = 0
    error: str = ""
    is_busy: bool = False

    @property
    def sentence(self) -> str:
        """What came of it, in one line."""
        if self.is_busy:
            return f"{self.notifier}: another process tells through it"
        failed = f", {self.failed} failed: {self.error}" if self.failed else ""
        return f"{self.notifier}: {self.sent} messages sent{failed}"


def notify(
    notifiers: Sequence[Notifier], *, database: Database, clock: Clock, pace: NoticePace
) -> list[Telling]:
    """Send what is due through each notifier, and note what became of it.

    Args:
        notifiers: Each is told for itself: one's failure is nothing to another.
        database: Keeps alerts and what was told.
        clock: Now.
        pace: How often people are told.

    Returns:
        What each did, in their order.

    Raises:
        UnavailableError: The database did not answer. Where it took no note of what was sent, every
            notifier had its turn before that is said.
        ConfigurationError: Likewise, where the login may take no note.
    """
    tellers = [_Teller(one, database.notifications, clock, pace) for one in notifiers]
    tellings = [one.tell(database) for one in tellers]
    for one in tellers:
        if one.fault is not None:
            raise one.fault
    return tellings


def is_failing(record: NotifierRecord) -> bool:
    """Whether a notifier needs a person's look."""
    return record.attempts >= FAILING_AFTER


class _Teller:
    """Tells through one notifier; `fault` is why the database took no note of it."""

    def __init__(
        self, notifier: Notifier, store: NotificationStore, clock: Clock, pace: NoticePace
    ) -> None:
        self._notifier = notifier
        self._store = store
        self._clock = clock
        self._pace = pace
        self.fault: ExitPipelineError | None = None

    def tell(self, database: Database) -> Telling:
        """Send what is due, in turn with other processes."""
        name = self._notifier.name
        with self._store.turn(name) as is_mine:
            if not is_mine:
                return Telling(notifier=name, is_busy=True)
            began = self._clock.now()
            alerts = [one for one in self._store.open_alerts(name) if not _is_about(one, name)]
            due = due_notices(alerts, self._pace, began)
            sent, failed, error = 0, 0, ""
            while due and self._clock.now() - began < BUDGET:
                sent_at = self._sent_before(due[0], began)
                problem = None if sent_at else self._send(due[0])
                if problem is None:
                    self._note_sent(due.pop(0), sent_at or began)
                    sent += sent_at is None
                    continue
                # Where nothing can be sent, whatever else is due has failed with it.
                lost = [due.pop(0)] if _is_of_one(problem) else [due.pop(0) for _ in list(due)]
                failed, error = failed + len(lost), _say(problem)
                self._note_failed(lost, error, database)
        return Telling(notifier=name, sent=sent, failed=failed, error=error)

    def _send(self, notice: Notice) -> Exception | None:
        """Send one message; the error where that failed, whatever it is."""
        try:
            self._notifier.send(notice)
        except Exception as error:
            log.warning("ExitWorker: notifier %s: %s", self._notifier.name, _say(error))
            if not isinstance(error, ExitPipelineError):
                # Where it happened, without its own text, which may quote a URL.
                log.warning("ExitWorker: %s", "".join(format_tb(error.__traceback__)))
            return error
        return None

    def _sent_before(self, notice: Notice, at: datetime) -> datetime | None:
        """When it went, where only the note of it is missing; None once it may go again."""
        sent_at = _UNNOTED.get((self._notifier.name, notice.id))
        is_recent = sent_at is not None and timedelta() <= at - sent_at < self._pace.repeat
        return sent_at if is_recent else None

    def _note_sent(self, notice: Notice, sent_at: datetime) -> None:
        severities = {one.id: one.severity for one in notice.alerts}
        name = self._notifier.name
        try:
            self._store.record_sent(name, severities, self._clock.now())
        except ExitPipelineError as error:
            self.fault = error
            _UNNOTED[name, notice.id] = sent_at
        else:
            _UNNOTED.pop((name, notice.id), None)

    def _note_failed(self, lost: Sequence[Notice], error: str, database: Database) -> None:
        alerts = [one for notice in lost for one in notice.alerts]
        name = self._notifier.name
        attempts = 1 + max(one.told.attempts for one in alerts)
        message = f"alerts can't be told by {name}, after {attempts} attempts: {error}"
        try:
            ids = [one.id for one in alerts]
            self._store.record_failed(name, ids, error, self._clock.now())
            if attempts >= FAILING_AFTER:
                database.runs.raise_alerts([
                    Alert(severity="CRITICAL", cause=FAILING, subject=name, message=message)
                ])  # fmt: skip
        except ExitPipelineError as fault:
            self.fault = fault


def _is_about(alert: OpenAlert, notifier: str) -> bool:
    return (alert.cause, alert.subject) == (FAILING, notifier)


def _is_of_one(problem: Exception) -> bool:
    """Whether a failure says nothing of other messages."""
    return not isinstance(problem, UnavailableError | ConfigurationError)


def _say(problem: Exception) -> str:
    """An error in one line; the text of one that nobody expected may show what is secret."""
    if isinstance(problem, ExitPipelineError):
        return str(problem)
    return f"an unexpected {type(problem).__name__}; the log has more"
