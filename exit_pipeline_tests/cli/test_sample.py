"""The command behind ``make run``."""

from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]


def test_the_sample_fills_once_and_a_second_call_sends_nothing_and_says_so(
    run: Run, rows: Any
) -> None:
    first = run("sample")
    sent = rows("SELECT id, status FROM orders ORDER BY id")
    assert [row["status"] for row in sent].count("FILLED") >= 8
    assert "Wednesday 2026-03-18 15:30 New York" in first.stdout
    assert "simulated market" in first.stdout
    for reason in ("PROFIT_TARGET", "STOP_LOSS", "GEX_FLIP", "TIME_EXIT", "EXPIRY", "HOLD"):
        assert reason in first.stdout
    assert "make ui" in first.stdout
    second = run("sample")
    assert "was worked before: " in second.stdout
    assert "and nothing is sent again" in second.stdout
    assert rows("SELECT id, status FROM orders ORDER BY id") == sent


def test_the_sample_is_of_the_simulated_market_whatever_is_configured(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: with EXIT_MARKET_DATA=recorded the sample asked a tape for its day."""
    monkeypatch.setenv("EXIT_MARKET_DATA", "recorded")
    monkeypatch.setenv("EXIT_BROKER", "alpaca")
    assert "simulated market" in run("sample").stdout
