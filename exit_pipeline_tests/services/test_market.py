from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError
from exit_pipeline.core.model.quote import MarketSnapshot, SourceNote
from exit_pipeline_tests.desk import CALL, Desk
from exit_pipeline_tests.fakes import FakeMarketData

ALERTS = "SELECT severity, cause, subject, message FROM alerts ORDER BY cause"


class Noting(FakeMarketData):
    """A source that has something to say, or an error to raise."""

    def __init__(self, *notes: SourceNote, error: Exception | None = None) -> None:
        super().__init__()
        self.notes = notes
        self.error = error

    def snapshot(
        self, options: Sequence[str], underlyings: Sequence[str], at: datetime
    ) -> MarketSnapshot:
        if self.error is not None:
            raise self.error
        return replace(super().snapshot(options, underlyings, at), notes=self.notes)


@pytest.fixture
def desk(database_url: str) -> Desk:
    return Desk(database_url)


def test_a_fallback_a_part_without_an_answer_and_a_contract_without_a_quote_are_alerts(desk: Desk):
    desk.hold("one")
    desk.market = Noting(
        SourceNote(cause="FALLBACK_USED", subject="quotes:alpaca", message="came from alpaca"),
        SourceNote(cause="NOT_ANSWERED", subject="tradier", message="tradier is down"),
        SourceNote(cause="NOT_QUOTED", subject="alpaca", message="no quote of 1 options"),
    )
    desk.quote(CALL, "2.00", "2.04", size=10)
    report = desk.tick()

    assert [tuple(row.values()) for row in desk.rows(ALERTS)] == [
        ("WARNING", "MARKET_DATA_FALLBACK_USED", "quotes:alpaca", "came from alpaca"),
        ("WARNING", "MARKET_DATA_NOT_ANSWERED", "tradier", "tradier is down"),
        ("WARNING", "MARKET_DATA_NOT_QUOTED", "alpaca", "no quote of 1 options"),
    ]
    assert len(report.executed.decided.market.notes) == 3


@pytest.mark.parametrize(
    "error", [UnavailableError("no answer"), ConfigurationError("the key is refused")]
)
def test_a_source_that_gives_nothing_costs_no_tick(desk: Desk, error: Exception):
    desk.hold("one")
    desk.market = Noting(error=error)
    report = desk.tick()

    assert report.counts["holds"] == 1
    (alert,) = desk.rows(ALERTS)
    assert (alert["severity"], alert["cause"]) == ("CRITICAL", "MARKET_DATA_DOWN")
    assert alert["message"] == str(error)
    assert [note.message for note in report.executed.decided.market.notes] == [str(error)]
