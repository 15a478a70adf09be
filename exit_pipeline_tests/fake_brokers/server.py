"""A local HTTP server that answers as a test says, faults of the wire included."""

import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Event, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a client sent."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the server sends, and what goes wrong on the way.

    `lost` closes the connection without an answer, `cut` in the middle of the body; `never` keeps
    the client waiting until the server is closed, and `endless` sends a blank now and then.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    lost: bool = False
    cut: bool = False
    never: bool = False
    endless: bool = False


def json_reply(body: Any, status: int = 200, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    encoded = json.dumps(body).encode()
    return Reply(status=status, body=encoded, headers={"content-type": "application/json"} | named)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=url.path,
            query=dict(parse_qsl(url.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(self.headers.get("content-length") or 0)),
        )
        reply = self.server.answer(request)
        if reply.never:
            self.server.closing.wait()
        if reply.never or reply.lost:
            self.close_connection = True
            return
        if reply.endless:
            self._drip()
            return
        self.send_response_only(reply.status)
        now = self.server.now
        dated = {} if now is None else {"date": format_datetime(now(), usegmt=True)}
        for name, value in (dated | dict(reply.headers)).items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("content-length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body[: len(reply.body) // 2] if reply.cut else reply.body)
        self.close_connection = self.close_connection or reply.cut

    def _drip(self) -> None:
        self.close_connection = True
        self.send_response_only(200)
        self.end_headers()
        while not self.server.closing.wait(0.02):
            self.wfile.write(b" ")

    do_POST = do_DELETE = do_PATCH = do_PUT = do_GET  # noqa: N815

    def log_message(self, *_args: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self, answer: Callable[[Request], Reply], now: Callable[[], datetime] | None
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.now = now
        self.closing = Event()
        self.serving = 0
        self.is_idle = Condition()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self.is_idle:
            self.serving += 1
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        super().process_request_thread(request, client_address)
        with self.is_idle:
            self.serving -= 1
            self.is_idle.notify_all()

    def handle_error(self, *_args: Any) -> None:
        """A client that has gone away is no fault; anything else shows in its answer."""


class LocalServer:
    """Serves on a free port of 127.0.0.1 while it is entered, and keeps what it was asked."""

    def __init__(
        self, answer: Callable[[Request], Reply], now: Callable[[], datetime] | None = None
    ) -> None:
        self.requests: list[Request] = []
        self.replies: list[Reply] = []
        self._answer = answer
        self._now = now
        self._server: _Server
        self._thread: Thread

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "LocalServer":
        self._server = _Server(self._serve, self._now)
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def drain(self) -> None:
        """Wait until all that clients have sent, who are gone now, is done."""
        # Connections are accepted in turn, so once this one is answered the others have begun.
        with socket.create_connection(("127.0.0.1", self._server.server_port)) as last:
            last.shutdown(socket.SHUT_WR)
            last.recv(1)
        with self._server.is_idle:
            self._server.is_idle.wait_for(lambda: self._server.serving == 0)

    def _serve(self, request: Request) -> Reply:
        self.requests.append(request)
        try:
            reply = self._answer(request)
        except Exception as error:  # a fault of the fake must be seen, not waited for
            reply = Reply(status=599, body=f"the fake failed: {error!r}".encode())
        self.replies.append(reply)
        return reply
