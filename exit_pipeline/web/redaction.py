"""Log lines without secrets, whatever a library or a caller puts into them."""

import logging
import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import unquote, urlsplit

MARK: Final = "[redacted]"

_SECRETS: Final = (
    "API_AUTH_TOKEN", "ALPACA_API_KEY", "ALPACA_SECRET_KEY", "TRADIER_API_KEY",
    "EXIT_NOTIFY_WEBHOOK_URL", "EXIT_NOTIFY_SLACK_URL",
)  # fmt: skip
_URLS: Final = ("DATABASE_URL", "DAGSTER_POSTGRES_URL", "EXIT_NOTIFY_SMTP_URL")
_BEARER: Final = re.compile(r"(bearer\s+)[!-~]+", re.IGNORECASE)
_SHORTEST: Final = 4
"""Characters of a secret that is looked for: a shorter one would be found in any word."""


class Redacting(logging.Formatter):
    """A formatter whose lines, tracebacks included, show none of the secrets.

    Args:
        secrets: Texts that must not be shown.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")
        found = sorted({one for one in secrets if len(one) >= _SHORTEST}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, found))) if found else None

    def format(self, record: logging.LogRecord) -> str:
        """A line of the log."""
        line = _BEARER.sub(rf"\g<1>{MARK}", super().format(record))
        return self._secrets.sub(MARK, line) if self._secrets else line


def secrets_of(environ: Mapping[str, str]) -> list[str]:
    """The secrets that an environment holds: tokens, keys, and the passwords of URLs."""
    found = [environ.get(name, "").strip() for name in _SECRETS]
    for name in _URLS:
        password = urlsplit(environ.get(name, "")).password or ""
        found += [password, unquote(password)]
    return [one for one in found if one]
