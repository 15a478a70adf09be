"""Alerts as mail: how it is delivered, and to whom."""

from collections.abc import Mapping

import pytest

from exit_pipeline.adapters.clients.smtp import MailClient, read_server
from exit_pipeline.adapters.notifiers.smtp import MailNotifier
from exit_pipeline.core.model.errors import ConfigurationError
from exit_pipeline.defs.notifiers import around, build_notifier
from exit_pipeline_tests.fakes import NEW_YORK
from exit_pipeline_tests.notices import a_notice, an_alert
from exit_pipeline_tests.receivers import HOST, MailReceiver, mail_receiver

SET_UP = {
    "EXIT_NOTIFY_SMTP_URL": "smtps://desk:canary@mail.example.com",
    "EXIT_NOTIFY_MAIL_FROM": "desk@example.com",
    "EXIT_NOTIFY_MAIL_TO": "ann@example.com, bob@example.com",
}


def notifier(receiver: MailReceiver, *recipients: str) -> MailNotifier:
    server = read_server("X", f"smtp://{HOST}:{receiver.port}")
    client = MailClient(server, tls=receiver.trust)
    return MailNotifier(client, "desk@example.com", recipients or ["ann@example.com"], NEW_YORK)


def test_a_mail_says_what_it_is_and_is_known_again() -> None:
    with mail_receiver() as receiver:
        mailer = notifier(receiver, "ann@example.com", "bob@example.com")
        mailer.send(a_notice(an_alert("a", severity="WARNING")))
    ((mail, recipients, is_safe),) = receiver.mails
    assert is_safe
    assert recipients == ["ann@example.com", "bob@example.com"]
    assert mail["Subject"] == "WARNING EXIT_ESCALATED: a"
    assert mail["Message-ID"] == "<n1@example.com>"
    assert mail["Date"] == "Tue, 17 Mar 2026 14:00:00 +0000"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content().splitlines() == [
        "WARNING EXIT_ESCALATED: a",
        "",
        "a-012345 a: STOP_LOSS has not filled (since 2026-03-17 10:00 EDT)",
    ]


def test_a_subject_can_add_no_header() -> None:
    with mail_receiver() as receiver:
        notifier(receiver).send(a_notice(an_alert(subject="a\r\nBcc: eve@example.com")))
    ((mail, recipients, _),) = receiver.mails
    assert recipients == ["ann@example.com"]
    assert mail["Bcc"] is None
    assert mail["Subject"].endswith("a Bcc: eve@example.com")


def test_taken_for_one_of_two_recipients_it_is_taken_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Sent again for the other's sake, the one would get it again and again."""
    with mail_receiver() as receiver:
        receiver.refused = frozenset({"bob@example.com"})
        notifier(receiver, "ann@example.com", "bob@example.com").send(a_notice())
    assert [recipients for _, recipients, _ in receiver.mails] == [["ann@example.com"]]
    assert "took 1 of 2 recipients of EXIT_NOTIFY_MAIL_TO" in caplog.text
    assert "bob" not in caplog.text


def test_where_nobody_is_known_the_settings_are_wrong() -> None:
    with mail_receiver() as receiver:
        receiver.refused = frozenset({"ann@example.com"})
        with pytest.raises(ConfigurationError, match="answered 550 to the login, the sender or"):
            notifier(receiver).send(a_notice())


def test_it_is_built_from_three_settings() -> None:
    assert build_notifier("smtp", around(SET_UP)).name == "smtp"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"EXIT_NOTIFY_SMTP_URL": ""}, "EXIT_NOTIFY_SMTP_URL is not set; expected smtp://"),
        ({"EXIT_NOTIFY_MAIL_FROM": ""}, "EXIT_NOTIFY_MAIL_FROM is ''; expected one address"),
        (
            {"EXIT_NOTIFY_MAIL_FROM": "a@b.c, d@e.f"},
            "EXIT_NOTIFY_MAIL_FROM is 'a@b.c, d@e.f'; expected one address",
        ),
        ({"EXIT_NOTIFY_MAIL_TO": "ann"}, "EXIT_NOTIFY_MAIL_TO is 'ann'; expected up to 20"),
        (
            {"EXIT_NOTIFY_MAIL_TO": "a@b.c\nBcc: d@e.f"},
            "EXIT_NOTIFY_MAIL_TO is 'a@b.c\\nBcc: d@e.f'; expected up to 20",
        ),
    ],
    ids=["no server", "no sender", "two senders", "no address", "a line break"],
)
def test_a_setting_that_cant_be_is_refused_in_one_sentence(
    change: Mapping[str, str], said: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        build_notifier("smtp", around(SET_UP | change))
    assert str(caught.value).startswith(said)
