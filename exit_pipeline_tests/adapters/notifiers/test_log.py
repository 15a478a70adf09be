"""Alerts in the log."""

import logging

import pytest

from exit_pipeline.adapters.notifiers.log import LogNotifier
from exit_pipeline_tests.fakes import NEW_YORK
from exit_pipeline_tests.notices import a_notice, an_alert


@pytest.mark.parametrize(
    ("severity", "level", "again"),
    [
        (
            "CRITICAL",
            logging.CRITICAL,
            "; told again until somebody runs: exit-pipeline alerts acknowledge ID...",
        ),
        ("WARNING", logging.WARNING, ""),
        pytest.param("INFO", logging.WARNING, "", id="INFO is shown by every process"),
    ],
)
def test_a_message_is_one_line_with_the_word_by_which_it_is_found(
    caplog: pytest.LogCaptureFixture, severity: str, level: int, again: str
) -> None:
    LogNotifier(NEW_YORK).send(a_notice(an_alert("a", severity=severity, message="b\nc")))
    (record,) = caplog.records
    assert record.levelno == level
    assert record.getMessage() == (
        f"ExitWorker: {severity} EXIT_ESCALATED: a; "
        f"a-012345 a: b c (since 2026-03-17 10:00 EDT){again}"
    )


def test_no_subject_begins_a_line_or_colours_a_terminal(caplog: pytest.LogCaptureFixture) -> None:
    """Regression: the title was logged as it came, so that rows of a users' own table, whose ids
    may hold anything, wrote lines of the log."""
    subject = "a\n2026-03-17 CRITICAL forged\x1b[31m"
    LogNotifier(NEW_YORK).send(a_notice(an_alert("a", subject=subject, message="b\u2028c\x9b")))
    (record,) = caplog.records
    assert record.getMessage().startswith(
        "ExitWorker: CRITICAL EXIT_ESCALATED: a 2026-03-17 CRITICAL forged [31m; a-012345 a "
    )
    assert record.getMessage().isprintable()
