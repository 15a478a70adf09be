"""The JSON that a webhook gets."""

from exit_pipeline.adapters.notifiers.webhook import MOST_LISTED, SETTING
from exit_pipeline.core.model.notice import Told
from exit_pipeline.defs.notifiers import around, build_notifier
from exit_pipeline_tests.notices import TEN, a_notice, an_alert
from exit_pipeline_tests.receivers import http_receiver


def test_the_body_is_as_the_notifier_documents_it() -> None:
    new = an_alert("a", environment="paper", account="...esk", times=3)
    told = an_alert("b", told=Told(severity="CRITICAL", messages=2, last_sent_at=TEN))
    with http_receiver() as receiver:
        build_notifier("webhook", around({SETTING: receiver.url()})).send(
            a_notice(new, told, told_before=4, repeats=2)
        )
    ((path, body),) = receiver.posted
    assert path == "/hook/canary-token"
    assert body == {
        "id": "n1",
        "at": "2026-03-17T14:00:00+00:00",
        "severity": "CRITICAL",
        "cause": "EXIT_ESCALATED",
        "title": "CRITICAL EXIT_ESCALATED: 2 alerts, told 2 times before",
        "count": 2,
        "told_before": 4,
        "repeats": 2,
        "alerts": [
            {
                "id": "a-0123456789",
                "subject": "a",
                "message": "STOP_LOSS has not filled",
                "environment": "paper",
                "account": "...esk",
                "raised_at": "2026-03-17T14:00:00+00:00",
                "times": 3,
                "is_new": True,
            },
            {
                "id": "b-0123456789",
                "subject": "b",
                "message": "STOP_LOSS has not filled",
                "environment": None,
                "account": None,
                "raised_at": "2026-03-17T14:00:00+00:00",
                "times": 1,
                "is_new": False,
            },
        ],
    }


def test_a_long_list_is_cut_and_its_count_is_not() -> None:
    alerts = [an_alert(str(number)) for number in range(MOST_LISTED + 1)]
    with http_receiver() as receiver:
        build_notifier("webhook", around({SETTING: receiver.url()})).send(a_notice(*alerts))
    (body,) = receiver.bodies
    assert (len(body["alerts"]), body["count"]) == (MOST_LISTED, MOST_LISTED + 1)
