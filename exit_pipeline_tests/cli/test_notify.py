"""The command that tells people once, or tries the ways to them."""

from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result

from exit_pipeline.adapters.clients.postgres_engine import make_engine
from exit_pipeline.adapters.database.postgres.database import PostgresDatabase
from exit_pipeline.adapters.notifiers import slack, webhook
from exit_pipeline.cli import group
from exit_pipeline.cli.person import who
from exit_pipeline.core.model.control import TradingState
from exit_pipeline.services.notify import FAILING_AFTER
from exit_pipeline_tests.notices import TEN
from exit_pipeline_tests.receivers import HttpReceiver, http_receiver

Run = Callable[..., Result]
Refusal = Callable[..., str]


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpReceiver]:
    with http_receiver() as made:
        monkeypatch.setenv("EXIT_NOTIFY", "log,webhook,slack")
        monkeypatch.setenv(webhook.SETTING, made.url("/webhook/canary"))
        monkeypatch.setenv(slack.SETTING, made.url("/slack/canary"))
        yield made


@pytest.fixture
def database(database_url: str) -> Iterator[PostgresDatabase]:
    engine = make_engine(database_url)
    yield PostgresDatabase(engine)
    engine.dispose()


def test_a_test_message_goes_through_each_notifier_and_a_line_says_so(
    run: Run, receiver: HttpReceiver
) -> None:
    assert run("notify", "--test").stdout.splitlines() == [
        "ok       log: took the test message",
        "ok       webhook: took the test message",
        "ok       slack: took the test message",
    ]
    (_, body), (path, text) = receiver.posted
    assert path == "/slack/canary"
    assert body["title"] == "WARNING TEST: exit-pipeline"
    assert f"{who()} tries whether this message arrives; nothing is wrong" in text["text"]


def test_what_fails_is_told_in_one_line_each_and_the_others_are_tried(
    receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.status = 404
    monkeypatch.setenv("EXIT_NOTIFY", "webhook,smtp,pager,log")
    result = CliRunner().invoke(group, ["notify", "--test"])
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert [line[:16] for line in lines] == [
        "FAILED   webhook",
        "FAILED   smtp: E",
        "FAILED   pager: ",
        "ok       log: to",
    ]
    assert "canary" not in result.output


def test_a_test_message_leaves_nothing_in_the_database(
    run: Run, receiver: HttpReceiver, database: PostgresDatabase
) -> None:
    run("notify", "--test")
    assert receiver.posted
    assert database.notifications.notifiers() == []


def test_without_a_daemon_the_command_tells_what_is_due(
    run: Run, receiver: HttpReceiver, database: PostgresDatabase
) -> None:
    database.control.move(TradingState.HALT_NEW, "odd fills", "ann")
    for sent in (1, 0):
        assert run("notify").stdout.splitlines() == [
            f"{name}: {sent} messages sent" for name in ("log", "webhook", "slack")
        ]
    assert [body["cause"] for path, body in receiver.posted if "webhook" in path] == ["HALTED"]


def test_it_exits_with_one_where_a_notifier_fails(
    receiver: HttpReceiver, database: PostgresDatabase
) -> None:
    receiver.status = 503
    database.control.halt("odd fills")
    result = CliRunner().invoke(group, ["notify"])
    assert result.exit_code == 1
    assert "slack: 0 messages sent, 1 failed: 127.0.0.1 answered with status 503" in result.stdout


def test_a_setting_that_cant_be_is_one_sentence(
    refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXIT_NOTIFY_REPEAT_MINUTES", "0")
    assert refusal("notify").startswith("EXIT_NOTIFY_REPEAT_MINUTES is '0'; expected a whole")


def doctors_line(result: Result) -> str:
    (line,) = (one for one in result.stdout.splitlines() if one[6:15] == "notifiers")
    return line


@pytest.mark.parametrize(
    ("names", "line"),
    [
        ("log", "ok    notifiers    log; try them: exit-pipeline notify --test"),
        ("pager", "fail  notifiers    EXIT_NOTIFY is 'pager'; expected one of log, slack,"),
        ("smtp", "fail  notifiers    EXIT_NOTIFY_SMTP_URL is not set; expected smtp://"),
        ("log,,log", "fail  notifiers    EXIT_NOTIFY is 'log,,log'; expected names, each once"),
    ],
)
def test_the_doctor_builds_each_notifier(
    monkeypatch: pytest.MonkeyPatch, names: str, line: str
) -> None:
    monkeypatch.setenv("EXIT_NOTIFY", names)
    assert doctors_line(CliRunner().invoke(group, ["doctor"])).startswith(line)


def test_the_doctor_tells_of_a_notifier_that_keeps_failing(
    receiver: HttpReceiver, database: PostgresDatabase
) -> None:
    database.control.halt("odd fills")
    (alert,) = database.notifications.open_alerts("slack")
    for name in ("slack", "webhook", "gone"):
        for _ in range(FAILING_AFTER):
            database.notifications.record_failed(name, [alert.id], "no answer", TEN)
    result = CliRunner().invoke(group, ["doctor"])
    assert result.exit_code == 1
    assert doctors_line(result) == (
        "fail  notifiers    slack failed 3 times in a row: no answer; "
        "webhook failed 3 times in a row: no answer"
    )
    for name in ("slack", "webhook"):
        database.notifications.record_sent(name, {alert.id: "CRITICAL"}, TEN)
    assert doctors_line(CliRunner().invoke(group, ["doctor"])).startswith("ok")
    assert receiver.posted == []
