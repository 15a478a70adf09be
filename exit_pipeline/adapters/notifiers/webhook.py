"""Alerts as JSON to any HTTP server: a pager, a chat bridge, a program of yours."""

from typing import Any, Final

from exit_pipeline.adapters.clients.post_json import JsonPoster
from exit_pipeline.core.model.notice import Notice
from exit_pipeline.ports import Surroundings

SETTING: Final = "EXIT_NOTIFY_WEBHOOK_URL"

MOST_LISTED: Final = 100
"""Alerts that a body lists; ``count`` has all of them."""


def build(around: Surroundings) -> "WebhookNotifier":
    """The notifier of ``EXIT_NOTIFY_WEBHOOK_URL``.

    Raises:
        ConfigurationError: It is not set, or is no URL that may be written to.
    """
    return WebhookNotifier(JsonPoster(SETTING, around.environ))


class WebhookNotifier:
    """A ``Notifier`` that posts JSON, and takes any status of 200 to 299 for an answer.

    The body::

        {
          "id": "5f1c...",            the same where a message comes twice
          "at": "2026-03-17T14:05:00+00:00",
          "severity": "CRITICAL",     INFO, WARNING or CRITICAL
          "cause": "EXIT_ESCALATED",
          "title": "CRITICAL EXIT_ESCALATED: 2 alerts",
          "count": 2,                 alerts that it tells of
          "told_before": 0,           further open ones of the cause, which it leaves out
          "repeats": 0,               how often it was told before
          "alerts": [                 at most 100 of them
            {"id": "...", "subject": "a", "message": "...", "environment": "paper",
             "account": "...esk", "raised_at": "2026-03-17T14:04:59+00:00", "times": 1,
             "is_new": true}
          ]
        }

    Args:
        poster: Posts to the URL.
    """

    name = "webhook"

    def __init__(self, poster: JsonPoster) -> None:
        self._poster: Final = poster

    def send(self, notice: Notice) -> None:
        """Post the message once.

        Raises:
            UnavailableError: No answer, or one that says that it failed there.
            ConfigurationError: The server does not take anything at this URL.
            NoticeRefusedError: It refused this message.
        """
        self._poster.post(_body(notice))


def _body(notice: Notice) -> dict[str, Any]:
    return {
        "id": notice.id,
        "at": notice.at.isoformat(),
        "severity": notice.severity,
        "cause": notice.cause,
        "title": notice.title,
        "count": len(notice.alerts),
        "told_before": notice.told_before,
        "repeats": notice.repeats,
        "alerts": [
            {
                "id": one.id,
                "subject": one.subject,
                "message": one.message,
                "environment": one.environment,
                "account": one.account,
                "raised_at": one.raised_at.isoformat(),
                "times": one.times,
                "is_new": one.is_new,
            }
            for one in notice.alerts[:MOST_LISTED]
        ],
    }
