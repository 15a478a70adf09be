"""Accounts: how they are shown, and how the configured one is held against the broker's word."""

import pytest

from exit_pipeline.core.model.account import mask_account, refuse_other_account
from exit_pipeline.core.model.errors import ConfigurationError


@pytest.mark.parametrize(
    ("account", "shown"),
    [
        pytest.param("PA3FAKE00001", "PA...001", id="Alpaca's paper"),
        pytest.param("123456789", "...789", id="Alpaca's live"),
        pytest.param("VA00099887", "VA...887", id="Tradier's sandbox"),
        pytest.param("PA12345", "...345", id="short, so that its letters would tell much"),
        pytest.param("42", "...", id="so short that it would be shown whole"),
        pytest.param("", "...", id="none"),
    ],
)
def test_an_account_is_shown_by_its_kind_and_its_last_three_characters(
    account: str, shown: str
) -> None:
    assert mask_account(account) == shown


@pytest.mark.parametrize("reported", [["PA3FAKE00001"], ["VA1", "PA3FAKE00001"]])
def test_an_account_that_the_broker_names_is_taken(reported: list[str]) -> None:
    refuse_other_account("ALPACA_ACCOUNT_ID", "PA3FAKE00001", reported)


@pytest.mark.parametrize(
    ("reported", "theirs"),
    [
        pytest.param(["PA3FAKE00001"], "PA...001", id="another one"),
        pytest.param(["PA3FAKE00001", "123456789"], "PA...001 and ...789", id="two others"),
        pytest.param([], "none", id="none"),
    ],
)
def test_an_account_that_the_broker_does_not_name_is_refused_without_telling_which_it_is(
    reported: list[str], theirs: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        refuse_other_account("ALPACA_ACCOUNT_ID", "PA9", reported)
    assert str(caught.value) == (
        f"ALPACA_ACCOUNT_ID is 'PA9'; the broker says that its keys belong to {theirs}"
    )
