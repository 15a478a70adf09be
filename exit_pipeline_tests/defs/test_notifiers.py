"""Which notifiers an environment gives, and that a wrong one stops no other."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from exit_pipeline.core.model.errors import ConfigurationError
from exit_pipeline.core.model.notice import NoticePace
from exit_pipeline.defs.notifiers import make_notifying
from exit_pipeline_tests.notices import a_notice

SLACK = {"EXIT_NOTIFY_SLACK_URL": "https://hooks.example.com/canary"}


def test_without_any_setting_alerts_go_to_the_log() -> None:
    found = make_notifying({})
    assert [one.name for one in found.notifiers] == ["log"]
    assert (found.pace, found.fault) == (NoticePace(), "")


def test_the_notifiers_are_those_that_are_named_in_their_order() -> None:
    found = make_notifying({"EXIT_NOTIFY": " slack, log ", **SLACK})
    assert [one.name for one in found.notifiers] == ["slack", "log"]


def test_the_pace_is_set_in_minutes() -> None:
    minutes = {"EXIT_NOTIFY_QUIET_MINUTES": "5", "EXIT_NOTIFY_REPEAT_MINUTES": " 60 "}
    assert make_notifying(minutes).pace == NoticePace(
        quiet=timedelta(minutes=5), repeat=timedelta(minutes=60)
    )


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"EXIT_NOTIFY": "pager"}, "EXIT_NOTIFY is 'pager'; expected one of log, slack, smtp, web"),
        ({"EXIT_NOTIFY": "slack"}, "EXIT_NOTIFY_SLACK_URL is not set; expected the webhook's URL"),
        ({"EXIT_NOTIFY": "smtp"}, "EXIT_NOTIFY_SMTP_URL is not set; expected smtp://"),
    ],
    ids=["unknown", "without its URL", "without its server"],
)
def test_a_notifier_that_cant_be_built_fails_at_every_message_and_says_why(
    environ: Mapping[str, str], said: str
) -> None:
    (found,) = make_notifying(environ).notifiers
    assert found.name == environ["EXIT_NOTIFY"]
    with pytest.raises(ConfigurationError) as caught:
        found.send(a_notice())
    assert str(caught.value).startswith(said)


def test_a_notifier_that_cant_be_built_stops_no_other() -> None:
    found = make_notifying({"EXIT_NOTIFY": "slack,log"})
    found.notifiers[1].send(a_notice())


MINUTES = "expected a whole number of minutes from 1 to 1440"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("EXIT_NOTIFY", "log,log", "expected names, each once, such as log,slack"),
        ("EXIT_NOTIFY", "Log", "expected names, each once, such as log,slack"),
        ("EXIT_NOTIFY", "../x", "expected names, each once, such as log,slack"),
        ("EXIT_NOTIFY_REPEAT_MINUTES", "0", MINUTES),
        ("EXIT_NOTIFY_REPEAT_MINUTES", "often", MINUTES),
        ("EXIT_NOTIFY_QUIET_MINUTES", "1441", MINUTES),
    ],
)
def test_settings_that_cant_be_are_told_and_alerts_go_to_the_log(
    name: str, text: str, said: str
) -> None:
    found = make_notifying({name: text})
    assert found.fault == f"{name} is {text!r}; {said}"
    assert [one.name for one in found.notifiers] == ["log"]
