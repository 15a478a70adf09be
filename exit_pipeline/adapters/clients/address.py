"""Where a vendor's requests go: its own host, or a server of a test on this machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import httpx

from exit_pipeline.core.model.errors import ConfigurationError

LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """The one address that a client's keys may be sent to.

    Attributes:
        host: The vendor's own, spoken to over ``https``.
        local: ``http://127.0.0.1:<port>`` to be spoken to instead; empty for the vendor's host.
        setting: The environment variable that names `local`, for the sentence about a wrong one.

    Raises:
        ConfigurationError: `local` is anything else than a server on this machine.
    """

    host: str
    local: str = ""
    setting: str = ""

    def __post_init__(self) -> None:
        if self.local and not _is_loopback(self.local):
            message = (
                f"{self.setting} is for tests and may only be http://{LOOPBACK}:<port>; unset it "
                f"to use https://{self.host}"
            )
            raise ConfigurationError(message)

    @classmethod
    def of(cls, host: str, environ: Mapping[str, str], setting: str) -> Self:
        """The vendor's host, or the server on this machine that a setting of tests names.

        Raises:
            ConfigurationError: The setting names another server.
        """
        return cls(host=host, local=environ.get(setting) or "", setting=setting)

    @property
    def url(self) -> str:
        """What requests begin with, such as ``https://api.alpaca.markets``."""
        return self.local.rstrip("/") or f"https://{self.host}"


def _is_loopback(text: str) -> bool:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        return False
    is_here = url.scheme == "http" and url.host == LOOPBACK and url.path in {"", "/"}
    return is_here and not (url.userinfo or url.query or url.fragment)
