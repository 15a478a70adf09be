"""What a tick prints."""

import json

import pytest

from exit_pipeline.cli.show import print_report, report_as_json
from exit_pipeline_tests.desk import Desk


def test_a_source_that_did_not_answer_is_told_of_on_the_terminal_and_in_json(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Regression: the decisions said that there was no bid, and nothing said why."""
    desk = Desk(database_url)
    desk.hold("a")
    desk.market.is_down = True
    report = desk.tick()
    capsys.readouterr()
    print_report(report)
    assert "the fake source is down" in capsys.readouterr().out
    report_as_json(report)
    assert json.loads(capsys.readouterr().out)["market_notes"] == ["the fake source is down"]
