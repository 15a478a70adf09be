"""Accounts at a broker: armed for live money, held against the broker's word, and shown."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from exit_pipeline.core.model.errors import ConfigurationError

_KIND: Final = re.compile(r"[A-Z]{2}(?=.{6})", re.ASCII)


@dataclass(frozen=True, slots=True)
class LiveArm:
    """The second key of live money: which account it is for, and until when.

    Attributes:
        account: The broker's own id.
        until: The last day in New York on which it holds.
    """

    account: str
    until: date


def refuse_other_account(setting: str, configured: str, reported: Sequence[str]) -> None:
    """Hold the account that a person has set against what the broker says.

    The broker's account is not shown in full: a person is to read it at the vendor, and not to copy
    whatever the keys happen to belong to out of an error.

    Args:
        setting: The variable's name.
        configured: Its value.
        reported: The accounts that the broker says its keys belong to.

    Raises:
        ConfigurationError: The configured account is not among them.
    """
    if configured not in reported:
        theirs = " and ".join(map(mask_account, reported)) or "none"
        message = f"{setting} is {configured!r}; the broker says that its keys belong to {theirs}"
        raise ConfigurationError(message)


def mask_account(account: str) -> str:
    """An account id by its last three characters, after the two letters of its kind, if any.

    Example: ``PA3FAKE00001`` is ``PA...001``, ``123456789`` is ``...789``, and ``42`` is ``...``.
    """
    kind = _KIND.match(account)
    return f"{kind[0] if kind else ''}...{account[-3:] if len(account) > 3 else ''}"
