"""Alerts as plain-text e-mail."""

import logging
import re
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

from exit_pipeline.adapters.clients.smtp import MailClient, read_server
from exit_pipeline.core.model.errors import ConfigurationError
from exit_pipeline.core.model.notice import Notice
from exit_pipeline.ports import Surroundings

log = logging.getLogger(__name__)

SERVER: Final = "EXIT_NOTIFY_SMTP_URL"
SENDER: Final = "EXIT_NOTIFY_MAIL_FROM"
RECIPIENTS: Final = "EXIT_NOTIFY_MAIL_TO"

_ADDRESS: Final = re.compile(r"[!-?A-~]+@[A-Za-z0-9.-]+", re.ASCII)
_LONGEST_SUBJECT: Final = 150


def build(around: Surroundings) -> "MailNotifier":
    """The notifier of ``EXIT_NOTIFY_SMTP_URL``, ``.._MAIL_FROM`` and ``.._MAIL_TO``.

    Raises:
        ConfigurationError: One of them is not set, or not what is expected.
    """
    environ = around.environ
    return MailNotifier(
        MailClient(read_server(SERVER, environ.get(SERVER) or "")),
        _addresses(SENDER, environ, most=1)[0],
        _addresses(RECIPIENTS, environ, most=20),
        around.calendar.zone,
    )


class MailNotifier:
    """A ``Notifier`` that sends one mail to all recipients.

    The subject is the message's title, the text a line for each alert; ``Message-ID`` is made of
    the message's id, so that a mail that comes twice is shown once by most programs.

    Args:
        client: Hands mails over.
        sender: Address of the sender.
        recipients: Addresses.
        zone: Of the times in the text.
    """

    name = "smtp"

    def __init__(
        self, client: MailClient, sender: str, recipients: Sequence[str], zone: tzinfo
    ) -> None:
        self._client: Final = client
        self._sender: Final = sender
        self._recipients: Final = recipients
        self._zone: Final = zone

    def send(self, notice: Notice) -> None:
        """Hand the message over. Taken for some of the recipients, it is taken.

        Raises:
            UnavailableError: It was not taken now.
            ConfigurationError: The server refuses the login, the sender or every recipient, or
                offers no TLS.
            NoticeRefusedError: It refused this message.
        """
        left_out = self._client.send(self._mail(notice))
        if left_out:
            log.warning(
                "ExitWorker: the mail server took %d of %d recipients of %s",
                len(self._recipients) - len(left_out),
                len(self._recipients),
                RECIPIENTS,
            )

    def _mail(self, notice: Notice) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = self._sender
        mail["To"] = ", ".join(self._recipients)
        # A header is one line.
        mail["Subject"] = " ".join(notice.title.split())[:_LONGEST_SUBJECT]
        mail["Date"] = format_datetime(notice.at)
        mail["Message-ID"] = f"<{notice.id}@{self._sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content("\n\n".join([notice.title, *notice.lines(self._zone)]) + "\n")
        return mail


def _addresses(setting: str, environ: Mapping[str, str], *, most: int) -> list[str]:
    text = (environ.get(setting) or "").strip()
    found = [one.strip() for one in text.split(",") if one.strip()]
    if 1 <= len(found) <= most and all(_ADDRESS.fullmatch(one) for one in found):
        return found
    count = "one address" if most == 1 else f"up to {most} addresses, joined by commas"
    message = f"{setting} is {text!r}; expected {count}, such as desk@example.com"
    raise ConfigurationError(message)
