"""What every notifier does, each against a real server on this machine."""

import logging
import pkgutil
from collections.abc import Iterator

import pytest

from exit_pipeline.adapters import notifiers
from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.ports import NoticeRefusedError, Notifier
from exit_pipeline_tests.adapters.notifiers.ways import SECRETS, WAYS, Way
from exit_pipeline_tests.notices import a_notice, an_alert

REMOTE = [name for name in WAYS if name != "log"]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Iterator[Way]:
    with WAYS[request.param]() as made:
        yield made


@pytest.fixture(params=REMOTE)
def remote(request: pytest.FixtureRequest) -> Iterator[Way]:
    with WAYS[request.param]() as made:
        yield made


def test_every_notifier_is_in_this_contract() -> None:
    assert {module.name for module in pkgutil.iter_modules(notifiers.__path__)} == set(WAYS)


@pytest.mark.parametrize("name", WAYS)
def test_it_goes_by_the_name_of_its_module(name: str) -> None:
    with WAYS[name]() as way:
        assert isinstance(way.notifier, Notifier)
        assert way.notifier.name == name


def test_a_message_arrives_once_with_its_title_and_its_alerts(way: Way) -> None:
    way.notifier.send(a_notice(an_alert("a", message="has not filled"), an_alert("b")))
    (text,) = way.arrived()
    assert "CRITICAL EXIT_ESCALATED: 2 alerts" in text
    assert "has not filled" in text


@pytest.mark.parametrize("severity", ["CRITICAL", "WARNING", "INFO"])
def test_every_severity_arrives(way: Way, severity: str) -> None:
    way.notifier.send(a_notice(an_alert(severity=severity)))
    (text,) = way.arrived()
    assert severity in text


def test_a_text_of_any_kind_arrives(way: Way) -> None:
    """A subject may be an id that a user has chosen, and a message what a broker said."""
    odd = "Ünïcode \N{BANK} <!channel> & @all\r\nBcc: x@example.com\n.\n\x00 %s {}"
    way.notifier.send(a_notice(an_alert(subject=odd, message=odd)))
    (text,) = way.arrived()
    assert "Ünïcode" in text


def test_a_message_of_a_whole_book_arrives(way: Way) -> None:
    way.notifier.send(a_notice(*(an_alert(f"p{number}") for number in range(5_000))))
    (text,) = way.arrived()
    assert "5000 alerts" in text


def test_a_message_that_is_refused_says_nothing_of_others(remote: Way) -> None:
    remote.refuse()
    with pytest.raises(NoticeRefusedError):
        remote.notifier.send(a_notice())


def test_a_server_that_fails_takes_the_same_message_later(remote: Way) -> None:
    remote.fail()
    with pytest.raises(UnavailableError):
        remote.notifier.send(a_notice())


def test_no_error_and_no_line_of_a_log_holds_a_secret(
    remote: Way, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    texts = []
    for bring_about in (remote.refuse, remote.fail):
        bring_about()
        with pytest.raises(Exception, match=r"127\.0\.0\.1") as caught:
            remote.notifier.send(a_notice())
        error: BaseException | None = caught.value
        while error is not None:
            texts += [str(error), repr(error)]
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    # What libraries write at DEBUG is nothing that the program shows; at INFO it may be.
    texts += [record.getMessage() for record in caplog.records if record.levelno > logging.DEBUG]
    texts.append(repr(remote.notifier))
    assert [text for text in texts if any(secret in text for secret in SECRETS)] == []
