"""Real servers on this machine that alerts are sent to: one takes HTTP, one takes mail."""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from trustme import CA

HOST = "127.0.0.1"
USER, PASSWORD = "desk", "canary-pa%40ss"
"""As they stand in a URL; the password itself is ``canary-pa@ss``."""


@dataclass
class HttpReceiver:
    """What an HTTP server got, and what it answers.

    Attributes:
        port: Where it listens.
        status: What it answers next and from then on.
        posted: Path and JSON body of each request.
    """

    port: int = 0
    status: int = 200
    posted: list[tuple[str, Any]] = field(default_factory=list)

    def url(self, path: str = "/hook/canary-token") -> str:
        return f"http://{HOST}:{self.port}{path}"

    @property
    def bodies(self) -> list[Any]:
        return [body for _, body in self.posted]


@contextmanager
def http_receiver() -> Iterator[HttpReceiver]:
    found = HttpReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found.posted.append((self.path, body))
            self.send_response(found.status)
            if 300 <= found.status < 400:
                self.send_header("Location", found.url("/elsewhere"))
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        found.port = server.server_address[1]
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


@dataclass
class MailReceiver:
    """What a mail server got, and what it answers.

    Attributes:
        port: Where it listens.
        trust: Trusts its certificate, and no other.
        answer: What it says to a whole message; by default that it took it.
        refused: Recipients that it does not take.
        mails: The messages, each with its recipients and whether it came under TLS.
        is_tls: It speaks TLS from the first byte.
        logins: User and password of each login.
    """

    port: int = 0
    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    answer: str = "250 OK"
    refused: frozenset[str] = frozenset()
    mails: list[tuple[EmailMessage, list[str], bool]] = field(default_factory=list)
    is_tls: bool = False
    logins: list[tuple[str, str]] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 as the library calls it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session
        if address in self.refused:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 as the library calls it
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        del server
        if self.answer.startswith("2"):
            mail = message_from_bytes(envelope.content or b"", EmailMessage, policy=default)
            self.mails.append(
                (mail, list(envelope.rcpt_tos), self.is_tls or session.ssl is not None)
            )
        return self.answer


class _AtAnyPort(Controller):
    """Port 0 takes any that is free, but the library then looks for itself at port 0."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def mail_receiver(
    *, tls: str = "starttls", trusts_itself: bool = True, takes_logins: bool = True
) -> Iterator[MailReceiver]:
    """A mail server.

    Args:
        tls: ``starttls``, ``ssl``, or empty for none.
        trusts_itself: Its own authority is trusted; else another one is.
        takes_logins: Every login is right.
    """
    authority = CA()
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(served)
    found = MailReceiver(is_tls=tls == "ssl")
    (authority if trusts_itself else CA()).configure_trust(found.trust)

    def log_in(*asked: Any) -> AuthResult:
        login = asked[-1]
        assert isinstance(login, LoginPassword)
        found.logins.append((login.login.decode(), login.password.decode()))
        return AuthResult(success=takes_logins, handled=False)

    controller = _AtAnyPort(
        found,
        hostname=HOST,
        port=0,
        ssl_context=served if tls == "ssl" else None,
        tls_context=served if tls == "starttls" else None,
        authenticator=log_in,
        auth_require_tls=tls == "starttls",
    )
    controller.start()
    try:
        found.port = controller.port
        yield found
    finally:
        controller.stop()
