"""What comes of an HTTP request: an answer, a refusal, or nothing that can be used.

Texts name vendor, method, path template and status, and quote the vendor in one short line at most.
"""

import json as json_format
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias

import httpx

from exit_pipeline.core.model.errors import ExitPipelineError, UnavailableError

Params: TypeAlias = Mapping[str, str | int | float | bool | None]

TOO_MANY: Final = 429
TIMED_OUT: Final = "no answer in time"
_MAX_ERROR_BYTES: Final = 65_536
_MAX_MESSAGE: Final = 200
_REDIRECTED_FROM, _REFUSED_FROM, _FAILED_FROM = 300, 400, 500
_NOT_DEFINITE: Final = frozenset({408, 425, TOO_MANY})
"""Statuses of the 400s that say nothing of the request itself: time-out, too early, too many."""
_NOT_SECRET: Final = frozenset({"accept", "accept-encoding", "content-type", "user-agent"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as it is asked for."""

    method: str
    path: str
    template: str
    params: Params | None
    form: Params | None
    json: Any
    bucket: str
    urgent: bool = False
    parse: bool = True
    send_by: datetime | None = None


class TooLate(Exception):  # noqa: N818 - named for what happened
    """The time until which a request could be written was over before its first byte."""


@dataclass(frozen=True, slots=True)
class Raw:
    """What came over the wire; `cut` when the body was longer than it may be."""

    status: int
    headers: httpx.Headers
    body: bytes
    cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A successful answer.

    Attributes:
        status: HTTP status, 200 to 299.
        body: Parsed JSON; None when the body is empty or was not to be parsed.
        raw: The body's bytes.
        headers: Response headers, by names of any case.
    """

    status: int
    body: Any = field(repr=False)
    raw: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


class RequestFailed(UnavailableError):  # noqa: N818 - named for what happened
    """No usable answer came: whether the request did anything is not known.

    Attributes:
        method: HTTP method.
        template: Path without its values.
        status: HTTP status; None when there was no answer.
        was_sent: Whether it left at all; False only where our own budget held it back.
        may_retry: Whether a read may be tried again.
        wait: Seconds that the vendor asks to wait first, where it says so.
        body: Parsed JSON of a 429; None for everything else.
    """

    def __init__(  # noqa: PLR0913 - what the error carries
        self,
        vendor: str,
        call: Call,
        reason: str,
        *,
        status: int | None = None,
        was_sent: bool = True,
        may_retry: bool = False,
        wait: float | None = None,
        body: Any = None,
    ) -> None:
        with_status = f" with status {status}" if status else ""
        super().__init__(f"{vendor}: {call.method} {call.template} failed{with_status}: {reason}")
        self.method = call.method
        self.template = call.template
        self.status = status
        self.was_sent = was_sent
        self.may_retry = may_retry
        self.wait = wait
        self.body = body


class Refused(ExitPipelineError):  # noqa: N818 - named for what happened
    """The vendor read the request and refused it: a definite 4xx.

    A 4xx whose body is HTML or XML is no word of the vendor's own and is a ``RequestFailed``.

    Attributes:
        method: HTTP method.
        template: Path without its values.
        status: HTTP status, 400 to 499.
        code: The vendor's own code, where the body has one.
        message: The vendor's words, one short line.
        body: Parsed JSON; None when the body is plain text.
    """

    def __init__(self, vendor: str, call: Call, status: int, body: Any, message: str) -> None:
        super().__init__(
            f"{vendor} refused {call.method} {call.template} with status {status}: {message}"
        )
        self.method = call.method
        self.template = call.template
        self.status = status
        self.code = body.get("code") if isinstance(body, dict) else None
        self.message = message
        self.body = body


def judge(vendor: str, call: Call, came: Raw, wait: float | None, secrets: Sequence[str]) -> Answer:
    """The answer that came.

    Args:
        vendor: Who answered.
        call: What was asked.
        came: What came over the wire.
        wait: Seconds until the vendor takes requests again, as far as it tells.
        secrets: What must not be quoted.

    Raises:
        RequestFailed: It is no usable one.
        Refused: It is a definite 4xx.
    """
    if came.status >= _REFUSED_FROM:
        raise _error(vendor, call, came, wait, secrets)
    if came.status >= _REDIRECTED_FROM:
        reason = "redirected, which is never followed"
        raise RequestFailed(vendor, call, reason, status=came.status)
    reason, body = "the answer is too large", None
    if not came.cut:
        reason, body = _parse(came.body) if call.parse else ("", None)
    if reason:
        raise RequestFailed(vendor, call, reason, status=came.status)
    return Answer(status=came.status, body=body, raw=came.body, headers=came.headers)


def receive(
    response: httpx.Response, most: int, deadline: float, monotonic: Callable[[], float]
) -> Raw | str:
    """Read a body of at most `most` bytes by a deadline; a text says why it did not come.

    The body of an error is read to 64 KiB only: it is quoted, not used.
    """
    if response.status_code >= _REFUSED_FROM:
        most = min(most, _MAX_ERROR_BYTES)
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > most:
            return Raw(response.status_code, response.headers, b"", cut=True)
        if monotonic() > deadline:
            return TIMED_OUT
    return Raw(response.status_code, response.headers, bytes(body), cut=False)


def why(error: Exception) -> str:
    """An error of the HTTP library in a few words of ours; its own may quote the request."""
    reasons: tuple[tuple[type[Exception], str], ...] = (
        (httpx.TimeoutException, TIMED_OUT),
        (httpx.ConnectError, "no connection"),
        (httpx.RemoteProtocolError, "the answer broke off"),
        (httpx.DecodingError, "the answer could not be decompressed"),
    )
    known = (reason for kind, reason in reasons if isinstance(error, kind))
    return next(known, "the connection failed")


def _parse(body: bytes) -> tuple[str, Any]:
    """What is wrong with a body, or nothing, and its JSON."""
    if not body.strip():
        return "", None
    try:
        return "", json_format.loads(body)
    except (ValueError, RecursionError):
        kind = "HTML" if body.lstrip()[:1] == b"<" else "broken off or no JSON"
        return f"the answer is {kind}", None


def secret_words(headers: Mapping[str, str]) -> list[str]:
    """What identifies us among request headers, to be kept out of any text."""
    values = [value for name, value in headers.items() if name.lower() not in _NOT_SECRET]
    return [word for value in values for word in value.split() if len(word) >= 8]


def _error(
    vendor: str, call: Call, came: Raw, wait: float | None, secrets: Sequence[str]
) -> ExitPipelineError:
    status, body = came.status, None
    if status == TOO_MANY:
        reason, body = "rate limit reached", None if came.cut else _parse(came.body)[1]
    elif status >= _FAILED_FROM:
        reason = "the server failed"
    else:
        reason, page = ("the error page is too large", None) if came.cut else _parse(came.body)
        text = came.body.decode(errors="replace").strip()
        if status not in _NOT_DEFINITE and not came.cut and not text.startswith("<"):
            return Refused(vendor, call, status, page, _line(page, text, secrets))
        reason = reason or "no definite answer"
    may_retry = status >= _FAILED_FROM or status in _NOT_DEFINITE
    return RequestFailed(
        vendor, call, reason, status=status, may_retry=may_retry, wait=wait, body=body
    )


def _line(body: Any, text: str, secrets: Sequence[str]) -> str:
    """The vendor's words in one short line, without what we sent to identify ourselves."""
    words = body.get("message") if isinstance(body, dict) else None
    line = " ".join(str(words or text or "no reason given").split())
    for secret in secrets:
        line = line.replace(secret, "***")
    line = "".join(letter for letter in line if letter.isprintable())
    return line if len(line) <= _MAX_MESSAGE else f"{line[: _MAX_MESSAGE - 1]}…"
