"""The two keys of live money: every refusal, and until when an arm holds."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.model.account import LiveArm
from exit_pipeline.core.model.errors import ConfigurationError
from exit_pipeline.services.arming import LiveKeys, refuse_unarmed, start_live
from exit_pipeline_tests.fakes import NEW_YORK

OURS = "123456789"
DAY = date(2026, 3, 17)
ARM = LiveArm(OURS, DAY)
NOON = datetime(2026, 3, 17, 16, tzinfo=UTC)


def keys(account: str = OURS, arm: LiveArm | None = ARM, broker: str = "alpaca") -> LiveKeys:
    return LiveKeys(broker=broker, account=account, arm=arm)


@pytest.mark.parametrize(
    ("given_keys", "sentence"),
    [
        pytest.param(
            keys(account=""),
            "ALPACA_ACCOUNT_ID is not set; EXIT_BROKER_ENV=live expects the id of the account to "
            "work at alpaca",
            id="no configured account",
        ),
        pytest.param(
            keys(account="", broker="tradier"),
            "TRADIER_ACCOUNT_ID is not set; EXIT_BROKER_ENV=live expects the id of the account to "
            "work at tradier",
            id="no configured account at another broker",
        ),
        pytest.param(
            keys(arm=None),
            "EXIT_LIVE_ARM is not set; EXIT_BROKER_ENV=live expects <account id>:<YYYY-MM-DD>, "
            "with the account of ALPACA_ACCOUNT_ID and a date that is not past",
            id="no arm",
        ),
        pytest.param(
            keys(arm=LiveArm("987654321", DAY)),
            "EXIT_LIVE_ARM is for account '987654321' and ALPACA_ACCOUNT_ID is '123456789'; "
            "expected the same account in both",
            id="arm of another account",
        ),
        pytest.param(
            keys(arm=LiveArm(OURS, date(2026, 3, 16))),
            "EXIT_LIVE_ARM is until 2026-03-16 and it is 2026-03-17 in New York; expected a date "
            "that is not past",
            id="arm past",
        ),
        pytest.param(
            keys(broker="paper"),
            "EXIT_BROKER_ENV is 'live' and EXIT_BROKER is 'paper', which is never live",
            id="the paper broker",
        ),
    ],
)
def test_keys_that_do_not_fit_are_refused_before_the_broker_is_even_made(
    given_keys: LiveKeys, sentence: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        start_live(given_keys, lambda: pytest.fail("the broker was made"), NOON)
    assert str(caught.value) == sentence


class NamesAnother:
    """A broker that takes no look at the configured account by itself."""

    def accounts(self) -> list[str]:
        return ["987654321"]


def test_keys_that_fit_each_other_and_not_the_broker_are_refused_at_any_broker() -> None:
    broker: Any = NamesAnother()
    with pytest.raises(ConfigurationError) as caught:
        start_live(keys(), lambda: broker, NOON)
    assert str(caught.value) == (
        "ALPACA_ACCOUNT_ID is '123456789'; the broker says that its keys belong to ...321"
    )


SINCE_2000 = st.integers(0, 100 * 365 * 86_400)
MOMENTS = SINCE_2000.map(
    lambda passed: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=passed)
)
DAYS_AWAY = st.one_of(st.integers(-2, 2), st.integers(-20_000, 20_000))


@given(at=MOMENTS, days=DAYS_AWAY, zone=st.integers(-12, 14))
def test_an_arm_holds_exactly_until_its_date_is_over_in_new_york(
    at: datetime, days: int, zone: int
) -> None:
    until = at.date() + timedelta(days=days)
    holds = until >= at.astimezone(NEW_YORK).date()
    # The same instant, however a machine's zone would write it.
    shown = at.astimezone(timezone(timedelta(hours=zone)))
    try:
        refuse_unarmed(keys(arm=LiveArm(OURS, until)), shown)
    except ConfigurationError:
        assert not holds
    else:
        assert holds


@pytest.mark.parametrize(
    ("at", "holds"),
    [
        pytest.param("2026-03-18T03:59:59.999999+00:00", True, id="the last instant, in summer"),
        pytest.param("2026-03-18T04:00:00+00:00", False, id="midnight, in summer"),
        pytest.param("2026-03-17T03:59:59+00:00", True, id="the evening before"),
    ],
)
def test_an_arm_ends_at_midnight_in_new_york(at: str, holds: bool) -> None:
    moment = datetime.fromisoformat(at)
    if holds:
        refuse_unarmed(keys(), moment)
    else:
        with pytest.raises(ConfigurationError, match="it is 2026-03-18 in New York"):
            refuse_unarmed(keys(), moment)
