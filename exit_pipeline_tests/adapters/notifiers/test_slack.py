"""The text that a chat gets: nothing in it is markup."""

import pytest

from exit_pipeline.adapters.notifiers.slack import LONGEST, SETTING
from exit_pipeline.core.model.notice import Notice
from exit_pipeline.defs.notifiers import around, build_notifier
from exit_pipeline_tests.notices import a_notice, an_alert
from exit_pipeline_tests.receivers import http_receiver


def posted(notice: Notice) -> dict[str, object]:
    with http_receiver() as receiver:
        build_notifier("slack", around({SETTING: receiver.url()})).send(notice)
    (body,) = receiver.bodies
    assert isinstance(body, dict)
    return body


def test_the_text_is_the_title_and_a_line_for_each_alert() -> None:
    alerts = [an_alert(name, severity="WARNING") for name in "ab"]
    assert posted(a_notice(*alerts)) == {
        "text": "WARNING EXIT_ESCALATED: 2 alerts\n"
        "a-012345 a: STOP_LOSS has not filled (since 2026-03-17 10:00 EDT)\n"
        "b-012345 b: STOP_LOSS has not filled (since 2026-03-17 10:00 EDT)",
        "mrkdwn": False,
    }


@pytest.mark.parametrize(
    ("subject", "written"),
    [
        pytest.param("<!channel>", "&lt;!channel&gt;", id="a call to everybody"),
        pytest.param("<https://x.example|y>", "&lt;https://x.example|y&gt;", id="a link"),
        pytest.param("a & b", "a &amp; b", id="an ampersand"),
        pytest.param("&lt;", "&amp;lt;", id="what is escaped already"),
        pytest.param("@here", "@\u200bhere", id="a call as Mattermost writes it"),
    ],
)
def test_markup_in_a_subject_is_text(subject: str, written: str) -> None:
    assert f"EXIT_ESCALATED: {written}\n" in str(
        posted(a_notice(an_alert(subject=subject)))["text"]
    )


def test_a_long_text_is_cut_where_the_chat_would_cut_it() -> None:
    text = str(posted(a_notice(an_alert(message="x" * 9_000)))["text"])
    assert (len(text), text[-1]) == (LONGEST, "…")
