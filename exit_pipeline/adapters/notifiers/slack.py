"""Alerts to a chat that takes Slack's incoming webhooks, such as Slack itself or Mattermost."""

from datetime import tzinfo
from typing import Final

from exit_pipeline.adapters.clients.post_json import JsonPoster
from exit_pipeline.core.model.notice import Notice
from exit_pipeline.ports import Surroundings

SETTING: Final = "EXIT_NOTIFY_SLACK_URL"

LONGEST: Final = 3_500
"""Characters of a text: Slack advises at most 4,000, and cuts far above them."""

_ESCAPES: Final = str.maketrans({
    # What Slack asks to be written otherwise: mentions and links begin with <.
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    # And what Mattermost, whose mentions begin with @, must not find: a space without width.
    "@": "@\u200b",
})  # fmt: skip


def build(around: Surroundings) -> "SlackNotifier":
    """The notifier of ``EXIT_NOTIFY_SLACK_URL``.

    Raises:
        ConfigurationError: It is not set, or is no URL that may be written to.
    """
    return SlackNotifier(JsonPoster(SETTING, around.environ), around.calendar.zone)


class SlackNotifier:
    """A ``Notifier`` that posts ``{"text": "...", "mrkdwn": false}``, as incoming webhooks take it.

    The text is the title and a line for each alert. Nothing in it is markup or calls anybody,
    whatever a position is named.

    Source: https://docs.slack.dev/messaging/formatting-message-text (the three characters to be
    escaped; ``mrkdwn`` to switch formatting off).

    Args:
        poster: Posts to the URL.
        zone: Of the times in the text.
    """

    name = "slack"

    def __init__(self, poster: JsonPoster, zone: tzinfo) -> None:
        self._poster: Final = poster
        self._zone: Final = zone

    def send(self, notice: Notice) -> None:
        """Post the message once.

        Raises:
            UnavailableError: No answer, or one that says that it failed there.
            ConfigurationError: The server does not take anything at this URL.
            NoticeRefusedError: It refused this message.
        """
        text = "\n".join([notice.title, *notice.lines(self._zone)])
        if len(text) > LONGEST:
            text = f"{text[: LONGEST - 1]}…"
        self._poster.post({"text": text.translate(_ESCAPES), "mrkdwn": False})
