"""Live money needs two keys: a configured account, and an arm for it that is not past."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from exit_pipeline.core.model.account import LiveArm, refuse_other_account
from exit_pipeline.core.model.errors import ConfigurationError
from exit_pipeline.ports import Broker

_NEW_YORK: Final = ZoneInfo("America/New_York")


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveKeys:
    """What a person has set for live money.

    Attributes:
        broker: Name of the broker.
        account: The account to work, from `setting`; empty where it is not set.
        arm: ``EXIT_LIVE_ARM``; None where it is not set.
    """

    broker: str
    account: str
    arm: LiveArm | None

    @property
    def setting(self) -> str:
        """The variable that holds the account, such as ``ALPACA_ACCOUNT_ID``."""
        return account_setting(self.broker)


def account_setting(broker: str) -> str:
    """The variable that holds the account to work at a broker, such as ``ALPACA_ACCOUNT_ID``."""
    return f"{broker.upper()}_ACCOUNT_ID"


def start_live(keys: LiveKeys, build: Callable[[], Broker], now: datetime) -> Broker:
    """The broker for live money, once both keys and the broker itself name the same account.

    Args:
        keys: What is set.
        build: Makes the broker; called only where both keys fit.
        now: The present moment, and not one that a launch asks for, which could be in the past.

    Raises:
        ConfigurationError: The broker is the paper broker; a key is missing, past or for another
            account, see ``refuse_unarmed``; the broker's credentials are missing, refused or of
            another account.
        UnavailableError: The broker does not say whose credentials they are.
    """
    if keys.broker == "paper":
        message = "EXIT_BROKER_ENV is 'live' and EXIT_BROKER is 'paper', which is never live"
        raise ConfigurationError(message)
    refuse_unarmed(keys, now)
    broker = build()
    refuse_other_account(keys.setting, keys.account, broker.accounts())
    return broker


def refuse_unarmed(keys: LiveKeys, now: datetime) -> None:
    """Refuse live money unless both keys are set, for one account, and the arm is not past.

    An arm holds until the end of its date in New York: one of 2026-03-17 still at
    2026-03-18T03:59:59Z, and at 04:00 no more.

    Raises:
        ConfigurationError: As the sentence says.
    """
    message = ""
    today = now.astimezone(_NEW_YORK).date()
    if not keys.account:
        message = (
            f"{keys.setting} is not set; EXIT_BROKER_ENV=live expects the id of the account to "
            f"work at {keys.broker}"
        )
    elif keys.arm is None:
        message = (
            "EXIT_LIVE_ARM is not set; EXIT_BROKER_ENV=live expects <account id>:<YYYY-MM-DD>, "
            f"with the account of {keys.setting} and a date that is not past"
        )
    elif keys.arm.account != keys.account:
        message = (
            f"EXIT_LIVE_ARM is for account {keys.arm.account!r} and {keys.setting} is "
            f"{keys.account!r}; expected the same account in both"
        )
    elif keys.arm.until < today:
        message = (
            f"EXIT_LIVE_ARM is until {keys.arm.until} and it is {today} in New York; expected a "
            "date that is not past"
        )
    if message:
        raise ConfigurationError(message)
