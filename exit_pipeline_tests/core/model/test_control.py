"""The switch: its order of strictness, and how it is said."""

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from exit_pipeline.core.model.control import TradingControl, TradingState

AT = datetime(2026, 3, 17, 14, 5, tzinfo=UTC)


def a_control(state, reason="odd fills"):
    return TradingControl(state=state, reason=reason, changed_by="ann", changed_at=AT)


def test_each_state_is_laxer_than_the_next_and_none_than_itself():
    for lax, strict in pairwise(TradingState):
        assert lax.is_laxer_than(strict)
        assert not strict.is_laxer_than(lax)
        assert not lax.is_laxer_than(lax)


@pytest.mark.parametrize(
    ("control", "said"),
    [
        pytest.param(a_control(TradingState.ACTIVE), "trading is ACTIVE", id="active"),
        pytest.param(
            a_control(TradingState.HALT_NEW),
            "trading is HALT_NEW since 2026-03-17 10:05 EDT, moved by ann: odd fills",
            id="halted",
        ),
        pytest.param(
            a_control(TradingState.FREEZE, reason=""),
            "trading is FREEZE since 2026-03-17 10:05 EDT, moved by ann: no reason given",
            id="without a reason",
        ),
    ],
)
def test_it_says_who_moved_it_when_and_why_where_trading_is_not_active(control, said):
    assert control.say(ZoneInfo("America/New_York")) == said
