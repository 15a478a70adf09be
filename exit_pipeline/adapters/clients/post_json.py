"""JSON to a URL that is a secret itself: bounded in time and size, and silent about the URL.

Whoever knows the URL of a webhook may write to it, so no more of it is told than its host. TLS is
verified, redirects are not followed, and proxies of the environment are not looked at.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx

from exit_pipeline.adapters.clients.http import keep_quiet
from exit_pipeline.adapters.clients.http_answers import Raw, receive, why
from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError
from exit_pipeline.ports import NoticeRefusedError

SECONDS: Final = 8.0
"""For a whole request. Three notifiers that all just make it stay below the minute that Dagster
gives a sensor."""

_MOST_BYTES: Final = 65_536
_HERE: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_WRONG_ADDRESS: Final = frozenset({401, 403, 404, 405, 410})
"""Statuses by which a server says that the URL, and so every message to it, is wrong."""
_NOT_DEFINITE: Final = frozenset({408, 425, 429})


class JsonPoster:
    """Posts JSON to one URL.

    Args:
        setting: The environment variable that names it, for errors.
        environ: Where it is read from.
        seconds: For a whole request.
        monotonic: Seconds that only go forward.

    Raises:
        ConfigurationError: There is no URL, or it may not be written to. Nothing of it is told.
    """

    def __init__(
        self,
        setting: str,
        environ: Mapping[str, str],
        *,
        seconds: float = SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        keep_quiet()
        self._setting: Final = setting
        self._url: Final = _read_url(setting, environ)
        self._seconds: Final = seconds
        self._monotonic: Final = monotonic

    def __repr__(self) -> str:
        return f"JsonPoster({self._setting}, {self._url.host})"

    def post(self, body: Mapping[str, Any]) -> None:
        """Post once, and never again by itself.

        Raises:
            UnavailableError: No answer, or one that says that it failed there.
            ConfigurationError: The server does not take anything at this URL.
            NoticeRefusedError: It refused this body.
        """
        came = self._exchange(body)
        if isinstance(came, str):
            message = f"{self._url.host}: {came}"
            raise UnavailableError(message)
        status = came.status
        if 200 <= status < 300:
            return
        answered = f"{self._url.host} answered with status {status}"
        if status in _WRONG_ADDRESS or 300 <= status < 400:
            message = f"{answered}; expected {self._setting} to be the webhook's present URL"
            raise ConfigurationError(message)
        if 400 <= status < 500 and status not in _NOT_DEFINITE:
            raise NoticeRefusedError(answered)
        raise UnavailableError(answered)

    def _exchange(self, body: Mapping[str, Any]) -> Raw | str:
        """Send and receive; a text says why nothing was received."""
        deadline = self._monotonic() + self._seconds
        try:
            with (
                httpx.Client(trust_env=False, timeout=self._seconds) as client,
                client.stream("POST", self._url, json=body) as response,
            ):
                return receive(response, _MOST_BYTES, deadline, self._monotonic)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return why(error)


def _read_url(setting: str, environ: Mapping[str, str]) -> httpx.URL:
    text = (environ.get(setting) or "").strip()
    expected = f"expected the webhook's URL, https://, or http:// of {' or '.join(sorted(_HERE))}"
    if not text:
        message = f"{setting} is not set; {expected}"
        raise ConfigurationError(message)
    try:
        url = httpx.URL(text)
        url.host.encode("idna")  # as connecting does, where it is no error of a network
    except (httpx.InvalidURL, UnicodeError):
        url = httpx.URL("")
    if not url.host or not (url.scheme == "https" or (url.scheme == "http" and url.host in _HERE)):
        # Not shown: the rest of a mistyped URL is as secret as that of a right one.
        message = f"{setting} is no such URL; {expected}"
        raise ConfigurationError(message)
    return url
