"""Mail over SMTP: under TLS, bounded in time, and silent about who logs in and how."""

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from threading import Timer
from typing import Final
from urllib.parse import unquote, urlsplit

from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError
from exit_pipeline.ports import NoticeRefusedError

SECONDS: Final = 8.0
"""For a whole message, connecting included; as long as for a webhook."""

PORTS: Final = {"smtp": 587, "smtps": 465}
"""Message submission with STARTTLS (RFC 6409), and with TLS from the first byte (RFC 8314)."""

_HERE: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_REFUSED_FROM: Final = 500
_OF_SETTINGS: Final = (
    smtplib.SMTPAuthenticationError,
    smtplib.SMTPSenderRefused,
    smtplib.SMTPRecipientsRefused,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where mail is handed over.

    Attributes:
        host: Name or address.
        port: Its port.
        is_tls: TLS from the first byte; else the connection is upgraded before anything is said,
            unless the server is on this machine and offers no TLS.
        user: To log in as; empty for no login. Not shown.
        password: Likewise.
    """

    host: str
    port: int
    is_tls: bool
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine, so that no network sees what is said."""
        return self.host in _HERE


def read_server(setting: str, text: str) -> MailServer:
    """Read ``smtp://user:password@host:587``, or ``smtps://``; the login may be left out.

    Raises:
        ConfigurationError: It is no such URL. Nothing of it is in the sentence.
    """
    try:
        parts = urlsplit(text.strip())
        port = parts.port
        if parts.scheme in PORTS and parts.hostname and parts.path in ("", "/"):
            parts.hostname.encode("idna")  # as connecting does, where it is no error of a network
            return MailServer(
                host=parts.hostname,
                port=port or PORTS[parts.scheme],
                is_tls=parts.scheme == "smtps",
                user=unquote(parts.username or ""),
                password=unquote(parts.password or ""),
            )
    except ValueError:
        pass  # a port that is none, half an address, or a name with a part that is empty
    is_there = "is no such URL" if text.strip() else "is not set"
    message = (
        f"{setting} {is_there}; expected smtp://user:password@host:587 (STARTTLS) or smtps://, "
        f"with special characters of the password as %XX"
    )
    raise ConfigurationError(message)


class MailClient:
    """Hands single messages over, each over a connection of its own; never again by itself.

    Args:
        server: Where.
        seconds: For a whole message.
        tls: Checks the server's certificate; by default against those that the system trusts.
    """

    def __init__(
        self, server: MailServer, *, seconds: float = SECONDS, tls: ssl.SSLContext | None = None
    ) -> None:
        self._server: Final = server
        self._seconds: Final = seconds
        self._tls: Final = tls or ssl.create_default_context()

    def send(self, message: EmailMessage) -> list[str]:
        """Hand a message over; returns the recipients that the server did not take.

        Raises:
            UnavailableError: It was not taken now; a later attempt may be.
            ConfigurationError: The server refuses the login, the sender or every recipient, or
                offers no TLS.
            NoticeRefusedError: It refused this message.
        """
        where = f"{self._server.host}:{self._server.port}"
        try:
            with self._connected() as smtp:
                return sorted(smtp.send_message(message))
        except (smtplib.SMTPException, OSError) as error:
            raise _told(where, error) from None  # its text may quote what was sent
        except UnicodeError:
            told = f"{where} can't be told a login with letters beyond ASCII"
            raise ConfigurationError(told) from None

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        server = self._server
        smtp: smtplib.SMTP
        if server.is_tls:
            smtp = smtplib.SMTP_SSL(timeout=self._seconds, context=self._tls)
        else:
            smtp = smtplib.SMTP(timeout=self._seconds)
        # Each answer has the time-out; a server that drips them would have no end.
        timer = Timer(self._seconds, _cut, [smtp])
        timer.daemon = True
        timer.start()
        try:
            # Before connect, which it would otherwise check the certificate's name against.
            smtp._host = server.host  # type: ignore[attr-defined]
            smtp.connect(server.host, server.port)
            self._prepare(smtp)
            yield smtp
            with suppress(smtplib.SMTPException, OSError):
                smtp.quit()  # it was taken before
        finally:
            timer.cancel()
            smtp.close()

    def _prepare(self, smtp: smtplib.SMTP) -> None:
        """Upgrade the connection and log in."""
        server = self._server
        smtp.ehlo()
        if not server.is_tls and (smtp.has_extn("starttls") or not server.is_here):
            smtp.starttls(context=self._tls)
            smtp.ehlo()
        if server.user:
            smtp.login(server.user, server.password)


def _cut(smtp: smtplib.SMTP) -> None:
    """End whatever a connection waits for, from another thread."""
    if smtp.sock is not None:
        with suppress(OSError):
            smtp.sock.shutdown(socket.SHUT_RDWR)


def _told(
    where: str, error: smtplib.SMTPException | OSError
) -> UnavailableError | ConfigurationError | NoticeRefusedError:
    """What happened, in words of ours: a server's own may quote addresses and logins."""
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return ConfigurationError(f"{where} offers no STARTTLS, or no login; nothing was sent")
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConfigurationError(f"{where} has a certificate that can't be verified")
    code = _code(error)
    what = f"{where} answered {code}" if code else f"{where} did not answer"
    if isinstance(error, smtplib.SMTPDataError) and code >= _REFUSED_FROM:
        return NoticeRefusedError(f"{what} to the message")
    if isinstance(error, _OF_SETTINGS) and code >= _REFUSED_FROM:
        return ConfigurationError(f"{what} to the login, the sender or every recipient")
    return UnavailableError(what)


def _code(error: Exception) -> int:
    """The server's code; 0 without one."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return min((code for code, _ in error.recipients.values()), default=0)
    return int(getattr(error, "smtp_code", 0) or 0)
