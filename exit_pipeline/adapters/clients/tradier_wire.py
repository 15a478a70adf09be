"""Requests to Tradier and what came of them: an answer, a refusal, or nothing usable."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from exit_pipeline.adapters.clients.http import HttpClient, Refused
from exit_pipeline.adapters.clients.tradier_json import Json, is_undecided, refusing_words
from exit_pipeline.core.model.errors import (
    ConfigurationError,
    ExitPipelineError,
    UnavailableError,
)

STANDARD, MARKETS, TRADING = "standard", "markets", "trading"
"""Buckets that the vendor counts by (documentation.tradier.com, "Rate limiting")."""

_MOST_LETTERS: Final = 200
_WRONG_REQUEST: Final = frozenset({400, 422})
_ABSENT: Final = frozenset({400, 404})
"""How the vendor may say that it has no order of a key; which one it does is not documented."""
_WRONG_KEY: Final = frozenset({401, 403})


class TradierWire:
    """Requests over HTTP, with the vendor's several ways of saying no understood.

    Every method raises ``UnavailableError`` where no usable answer came, and ``ConfigurationError``
    where the vendor refuses the key.

    Attributes:
        skew: What the answers tell of the vendor's clock.

    Args:
        http: Requests to the vendor's host.
        key: The access token, which is kept out of any text.
    """

    def __init__(self, http: HttpClient, key: str) -> None:
        self.skew: Final = http.skew
        self._http: Final = http
        self._key: Final = key

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def read(  # noqa: PLR0913 - the parts of a request
        self,
        path: str,
        template: str,
        *,
        params: Mapping[str, str | int] | None = None,
        form: Mapping[str, str] | None = None,
        bucket: str = STANDARD,
        urgent: bool = False,
        is_repeated: bool = True,
        absent_is_empty: bool = False,
    ) -> Json:
        """Read an object.

        Args:
            path: With its values.
            template: Without them, for errors.
            params: The query.
            form: Read by POST with this body.
            bucket: Whose limit it counts for.
            urgent: It may use the reserve.
            is_repeated: Try again where no usable answer came.
            absent_is_empty: Give an empty object where the vendor says that there is no such thing.
                It may say so for a moment only, so who asks has to look again.
        """
        method = "GET" if form is None else "POST"
        try:
            if is_repeated:
                answer = self._http.read(
                    path, template=template, params=params, form=form, bucket=bucket, urgent=urgent
                )
            else:
                answer = self._http.request(
                    method, path, template=template, params=params, bucket=bucket, urgent=urgent
                )
        except Refused as error:
            if absent_is_empty and error.status in _ABSENT:
                return {}
            # Of what must be there a 404 is a passing fault, and never "there is none".
            raise self._unusable(error) from None
        body: Json = answer.body if isinstance(answer.body, dict) else {}
        if reason := self._said(body) or ("" if body else "the answer is no object"):
            raise UnavailableError(f"Tradier: {method} {template} failed: {reason}")
        return body

    def write(
        self,
        method: str,
        path: str,
        template: str,
        *,
        form: Mapping[str, str] | None = None,
        urgent: bool = False,
        send_by: datetime | None = None,
    ) -> tuple[Json, str]:
        """Send something once; returns the answer and the vendor's words of refusal, if any.

        A refusal that leaves open whether the order was taken is an ``UnavailableError``. What
        could not be written by `send_by` is not sent.
        """
        try:
            answer = self._http.request(
                method,
                path,
                template=template,
                form=form,
                bucket=TRADING,
                urgent=urgent,
                send_by=send_by,
            )
        except Refused as error:
            if error.status not in _WRONG_REQUEST:
                raise self._unusable(error) from None
            return {}, self._said(error.body) or error.message
        body = answer.body if isinstance(answer.body, dict) else {}
        refusal = self._said(body) or self._said(body.get("order"))
        if is_undecided(body):
            message = f"Tradier: {method} {template} failed: {refusal}"
            raise UnavailableError(message)
        return body, refusal

    def _said(self, body: Any) -> str:
        """The vendor's words of refusal in a body, in one short line; nothing where it has none."""
        words = refusing_words(body) if isinstance(body, dict) else ""
        line = " ".join(words.replace(self._key, "***").split())
        return line if len(line) <= _MOST_LETTERS else f"{line[: _MOST_LETTERS - 1]}…"

    def _unusable(self, error: Refused) -> ExitPipelineError:
        if error.status not in _WRONG_KEY:
            return UnavailableError(str(error))
        # Its words tell a wrong account from a wrong token, and both come with the same status.
        words = self._said(error.body) or error.message
        return ConfigurationError(
            f"Tradier refuses the access token in TRADIER_API_KEY with status {error.status}: "
            f"{words}"
        )
