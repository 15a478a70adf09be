"""What a tick prints."""

import json

import pytest

from exit_pipeline.cli.show import print_positions, print_report, report_as_json
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


@pytest.mark.parametrize("name", ["[/b]", "[red]a", "[x](y)"])
def test_brackets_in_an_id_are_no_markup_of_the_terminal(
    database_url: str, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Regression: ids come from files and from brokers; of ``[x](y)`` the tables showed ``(y)``,
    and ``[/b]`` ended `tick` and `positions list` with a traceback, the orders being sent."""
    desk = Desk(database_url)
    desk.hold(name)
    report = desk.tick()
    capsys.readouterr()
    print_report(report)
    assert capsys.readouterr().out.count(name) == 2
    print_positions(desk.database.positions.listing())
    assert name in capsys.readouterr().out
