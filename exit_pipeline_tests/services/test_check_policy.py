"""A policy's text is checked where a person gives it."""

import pytest

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.policies import shipped_policies
from exit_pipeline.services.check_policy import check_policy


@pytest.mark.parametrize(
    "text",
    ["default", "long_premium, stop_loss.percent=25", "exit_rules", "exit_rules, expiry=off"],
)
def test_what_a_tick_can_use_is_taken(text: str) -> None:
    check_policy(text, shipped_policies())


@pytest.mark.parametrize(
    "text",
    ["long_premum", "exit_rules, long_premium", "exit_rules, stop_loss.percent=0", "stop_los=off"],
)
def test_what_no_tick_could_use_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        check_policy(text, shipped_policies())
