"""HTTP to a vendor: bounded in time and size, within its limits, and silent about secrets.

Nothing that is raised, logged or shown here holds a URL's query, a header or a body beyond one
short line, and no exception of the HTTP library is chained to ours, since those carry the request.
"""

import logging
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

import httpx
import stamina

from exit_pipeline.adapters.clients.address import Address
from exit_pipeline.adapters.clients.http_answers import (
    TIMED_OUT,
    TOO_MANY,
    Answer,
    Call,
    Params,
    Raw,
    Refused,
    RequestFailed,
    TooLate,
    judge,
    receive,
    secret_words,
    why,
)
from exit_pipeline.adapters.clients.rate_limits import Budgets, RateLimits
from exit_pipeline.adapters.clients.skew import SkewMeter
from exit_pipeline.core.model.errors import ConfigurationError
from exit_pipeline.ports import Clock

__all__ = [
    "Address",
    "Answer",
    "HttpClient",
    "RateLimits",
    "Refused",
    "RequestFailed",
    "Retries",
]

_FIRST_BYTE: Final = "send_request_headers.started"
"""How the transport calls the moment before it writes, with the protocol's name before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How reads are tried again: exponentially, with jitter, within the client's time budget."""

    attempts: int = 4
    wait_initial: float = 0.2
    wait_max: float = 3.0
    wait_jitter: float = 0.5


class HttpClient:
    """Requests to one vendor's host; safe to share between threads.

    TLS is always verified, redirects are never followed, and proxies and certificates of the
    environment are not looked at.

    Attributes:
        skew: What the answers tell of the vendor's clock.

    Args:
        vendor: Its name, for errors.
        address: Its host.
        headers: Sent with every request, credentials among them.
        limits: Where the vendor writes its rate limits.
        timeout_seconds: For a whole call, all attempts and waits of a read included.
        max_bytes: Longest body of a success, decompressed.
        clock: Tells when a rate limit's window has passed, until when something may be sent, and
            what the skew is from.
        retries: How reads are tried again.
        transport: Carries the requests; by default the network does.
        monotonic: Seconds that only go forward, by which time budgets are kept.

    Raises:
        ConfigurationError: A header can't be sent.
    """

    def __init__(  # noqa: PLR0913 - what tells one vendor from another
        self,
        *,
        vendor: str,
        address: Address,
        headers: Mapping[str, str],
        limits: RateLimits,
        timeout_seconds: float = 10.0,
        max_bytes: int = 20_000_000,
        clock: Clock,
        retries: Retries = Retries(),
        transport: httpx.BaseTransport | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        _check_headers(vendor, headers)
        keep_quiet()
        self.skew: Final = SkewMeter(clock)
        self._vendor: Final = vendor
        self._base_url: Final = address.url
        self._secrets: Final = secret_words(headers)
        self._budgets: Final = Budgets(limits, clock)
        self._clock: Final = clock
        self._seconds: Final = timeout_seconds
        self._max_bytes: Final = max_bytes
        self._retries: Final = retries
        self._monotonic: Final = monotonic
        self._client: Final = httpx.Client(
            headers=dict(headers), trust_env=False, verify=True, transport=transport
        )
        weakref.finalize(self, self._client.close)

    def __repr__(self) -> str:
        return f"HttpClient(vendor={self._vendor!r})"

    def request(  # noqa: PLR0913 - the parts of an HTTP request
        self,
        method: str,
        path: str,
        *,
        template: str | None = None,
        params: Params | None = None,
        form: Params | None = None,
        json: Any = None,
        bucket: str = "default",
        urgent: bool = False,
        send_by: datetime | None = None,
    ) -> Answer:
        """One attempt, never repeated: for what changes something.

        Args:
            method: HTTP method.
            path: Begins with ``/``; values in it are quoted by the caller.
            template: The path without its values, for errors; by default the path.
            params: The query; values that are None are left out.
            form: A form-encoded body.
            json: A JSON body.
            bucket: Whose budget it is taken from.
            urgent: It may use the reserve.
            send_by: Until when it may be written, by the client's clock. It is looked at when the
                connection stands and the next thing is the first byte, so that neither a slow
                connection nor a process that was frozen in between sends it later.

        Raises:
            RequestFailed: No usable answer: it may have been carried out or not.
            Refused: The vendor refused it.
        """
        call = Call(
            method=method,
            path=path,
            template=template or path,
            params=params,
            form=form,
            json=json,
            bucket=bucket,
            urgent=urgent,
            send_by=send_by,
        )
        return self._once(call, self._monotonic() + self._seconds)

    def read(  # noqa: PLR0913 - the parts of an HTTP request
        self,
        path: str,
        *,
        template: str | None = None,
        params: Params | None = None,
        form: Params | None = None,
        bucket: str = "default",
        urgent: bool = False,
        parse: bool = True,
    ) -> Answer:
        """Read, again after a lost connection, a 429 (once its window has ended) and a 5xx.

        Args:
            path: Begins with ``/``; values in it are quoted by the caller.
            template: The path without its values, for errors; by default the path.
            params: The query; values that are None are left out.
            form: Read by POST with this form-encoded body, where a query would be too long.
            bucket: Whose budget it is taken from.
            urgent: It may use the reserve.
            parse: Parse the body as JSON; otherwise only its bytes are given.

        Raises:
            RequestFailed: No usable answer within the time budget.
            Refused: The vendor refused it.
        """
        call = Call(
            method="GET" if form is None else "POST",
            path=path,
            template=template or path,
            params=params,
            form=form,
            json=None,
            bucket=bucket,
            urgent=urgent,
            parse=parse,
        )
        return self._again(call)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def _again(self, call: Call) -> Answer:
        deadline = self._monotonic() + self._seconds
        for attempt in stamina.retry_context(
            on=_backoff(deadline, self._monotonic),
            attempts=self._retries.attempts,
            timeout=self._seconds,
            wait_initial=self._retries.wait_initial,
            wait_max=self._retries.wait_max,
            wait_jitter=self._retries.wait_jitter,
        ):
            with attempt:
                return self._once(call, deadline)
        raise AssertionError  # the last attempt returns or raises

    def _once(self, call: Call, deadline: float) -> Answer:
        until = self._budgets.take(call.bucket, urgent=call.urgent)
        if until is not None:
            reason = f"not sent, the rate limit of {call.bucket} is used up until {until:%X} UTC"
            raise RequestFailed(self._vendor, call, reason, was_sent=False)
        try:
            came = self._exchange(call, deadline)
        except TooLate:
            reason = f"not sent, it could not be written by {call.send_by:%X} UTC"
            raise RequestFailed(self._vendor, call, reason, was_sent=False) from None
        if isinstance(came, str):
            raise RequestFailed(self._vendor, call, came, may_retry=True)
        wait = self._budgets.learn(call.bucket, came.headers, refused=came.status == TOO_MANY)
        return judge(self._vendor, call, came, wait, self._secrets)

    def _exchange(self, call: Call, deadline: float) -> Raw | str:
        """Send and receive; a text says why nothing was received."""
        if not call.path.startswith("/"):
            message = f"path {call.template!r} does not begin with /"
            raise ValueError(message)
        seconds = deadline - self._monotonic()
        if seconds <= 0:
            return TIMED_OUT
        self._check_time(call, _FIRST_BYTE)
        asked_at = self.skew.now()
        try:
            with self._client.stream(
                call.method,
                f"{self._base_url}{call.path}",
                params=_present(call.params),
                data=_present(call.form),
                json=call.json,
                timeout=seconds,
                extensions={"trace": lambda event, _: self._check_time(call, event)},
            ) as response:
                self.skew.learn(response.headers, asked_at)
                return receive(response, self._max_bytes, deadline, self._monotonic)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return why(error)

    def _check_time(self, call: Call, event: str) -> None:
        is_last_moment = event.endswith(_FIRST_BYTE)
        if is_last_moment and call.send_by is not None and self._clock.now() > call.send_by:
            raise TooLate


def _backoff(
    deadline: float, monotonic: Callable[[], float]
) -> Callable[[Exception], bool | float]:
    def hook(error: Exception) -> bool | float:
        if not isinstance(error, RequestFailed) or not error.may_retry:
            return False
        if error.wait is None or error.status != TOO_MANY:
            return True
        return monotonic() + error.wait < deadline and float(error.wait)

    return hook


def _present(values: Params | None) -> dict[str, str | int | float | bool] | None:
    if values is None:
        return None
    return {name: value for name, value in values.items() if value is not None}


def _check_headers(vendor: str, headers: Mapping[str, str]) -> None:
    if not all(text.isascii() and text.isprintable() for text in headers.values()):
        message = f"a credential of {vendor} has a character that can't be sent; copy it again"
        raise ConfigurationError(message)


@cache
def keep_quiet() -> None:
    """Keep URLs out of logs: httpx writes them whole, at level INFO."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # By default retries would be printed by structlog, which a dependency happens to bring.
    stamina.instrumentation.set_on_retry_hooks([stamina.instrumentation.LoggingOnRetryHook])
