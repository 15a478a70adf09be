"""Alerts on their way to people: what was told of each, and the message about one cause."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

MOST_SHOWN: Final = 10
"""Alerts of a message that are written out; the others are counted. A phone shows about as many."""

ID_SHOWN: Final = 8
"""Characters of an alert's id in a message; as many are enough to acknowledge it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of telling one alert through one notifier.

    Attributes:
        severity: At which it was told last; None before the first message.
        messages: How many told of it.
        last_sent_at: When the last of them was sent; None before the first.
        attempts: How many failed since.
        last_tried_at: When it was tried last, whatever came of it.
    """

    severity: str | None = None
    messages: int = 0
    last_sent_at: datetime | None = None
    attempts: int = 0
    last_tried_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAlert:
    """An alert that nobody has acknowledged, as one notifier has it.

    Attributes:
        id: Key of the row.
        severity: INFO, WARNING or CRITICAL.
        cause: A short constant such as ``ORDER_NOT_PRICED``.
        subject: What it is about: a position, an order, an account.
        message: One sentence.
        raised_at: When it was first raised.
        times: How often it was raised, once for each run.
        environment: Of the run that raised it; None without a run. Likewise account.
        told: What became of telling it.
    """

    id: str
    severity: str
    cause: str
    subject: str
    message: str
    raised_at: datetime
    times: int = 1
    environment: str | None = None
    account: str | None = None
    told: Told = Told()

    @property
    def is_new(self) -> bool:
        """Whether it was not told yet at its present severity."""
        return self.told.severity != self.severity


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticePace:
    """How often people are told.

    Attributes:
        quiet: After a message about a cause, further alerts of it wait for as long, and are told
            together.
        repeat: A CRITICAL cause is told again after as long, until it is acknowledged.
    """

    quiet: timedelta = timedelta(minutes=15)
    repeat: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message: the alerts of one severity and cause.

    Attributes:
        id: The same for the same alerts told as often: whoever gets a message twice, since a
            process ended between sending and noting it, can tell by it.
        severity: INFO, WARNING or CRITICAL.
        cause: A short constant such as ``ORDER_NOT_PRICED``.
        alerts: What it tells of, those that were not told before first.
        told_before: Open alerts of the cause that it leaves out, since they were told.
        repeats: How often the cause was told before, on account of these alerts.
        at: When it was made.
    """

    id: str
    severity: str
    cause: str
    alerts: Sequence[OpenAlert]
    told_before: int = 0
    repeats: int = 0
    at: datetime

    @property
    def title(self) -> str:
        """What it is about, in one line.

        Example: ``CRITICAL EXIT_ESCALATED: 2 alerts, told 3 times before``.
        """
        count = len(self.alerts)
        what = self.alerts[0].subject if count == 1 else f"{count} alerts"
        again = f", told {_times(self.repeats)} before" if self.repeats else ""
        return f"{self.severity} {self.cause}: {what}{again}"

    def lines(self, zone: tzinfo) -> list[str]:
        """Each alert in a line, as far as a message shows them, and what else is to be known.

        Args:
            zone: Where the reader's times are.
        """
        shown = [_line(one, zone) for one in self.alerts[:MOST_SHOWN]]
        if more := len(self.alerts) - len(shown):
            shown.append(f"and {more} more: exit-pipeline alerts")
        if self.told_before:
            shown.append(f"{self.told_before} of this cause were told before and are open")
        if self.severity == "CRITICAL":
            shown.append("told again until somebody runs: exit-pipeline alerts acknowledge ID...")
        return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifierRecord:
    """How a notifier did when it was tried last.

    Attributes:
        notifier: Its name.
        last_tried_at: When.
        attempts: How often in a row it has failed at what it tried last; 0 where it told it.
        last_error: Why; None where it told it.
        last_sent_at: When it told anything last; None for never.
    """

    notifier: str
    last_tried_at: datetime
    attempts: int
    last_error: str | None
    last_sent_at: datetime | None


def _line(alert: OpenAlert, zone: tzinfo) -> str:
    where = "/".join(part for part in (alert.environment, alert.account) if part)
    since = f"{alert.raised_at.astimezone(zone):%Y-%m-%d %H:%M %Z}"
    often = f", raised {_times(alert.times)}" if alert.times > 1 else ""
    place = f"{where} " if where else ""
    return f"{alert.id[:ID_SHOWN]} {place}{alert.subject}: {alert.message} (since {since}{often})"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
