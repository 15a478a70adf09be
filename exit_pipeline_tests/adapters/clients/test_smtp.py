"""Mail over SMTP: always under TLS beyond this machine, and never waiting for ever."""

import socket
from email.message import EmailMessage
from threading import Thread

import pytest

from exit_pipeline.adapters.clients.smtp import MailClient, MailServer, read_server
from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError
from exit_pipeline_tests.receivers import HOST, PASSWORD, USER, MailReceiver, mail_receiver


def a_mail() -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "desk@example.com", "ann@example.com", "x"
    mail.set_content("text\n")
    return mail


def client(receiver: MailReceiver, scheme: str = "smtp", login: str = "") -> MailClient:
    server = read_server("X", f"{scheme}://{login}{HOST}:{receiver.port}")
    return MailClient(server, tls=receiver.trust)


@pytest.mark.parametrize(
    ("tls", "scheme", "is_safe"),
    [
        pytest.param("starttls", "smtp", True, id="upgraded"),
        pytest.param("ssl", "smtps", True, id="from the first byte"),
        pytest.param("", "smtp", False, id="plain on this machine"),
    ],
)
def test_a_mail_is_handed_over(tls: str, scheme: str, is_safe: bool) -> None:
    with mail_receiver(tls=tls) as receiver:
        assert client(receiver, scheme).send(a_mail()) == []
    ((mail, recipients, was_safe),) = receiver.mails
    assert (mail["Subject"], recipients, was_safe) == ("x", ["ann@example.com"], is_safe)


def test_a_login_has_its_special_characters_decoded() -> None:
    with mail_receiver() as receiver:
        client(receiver, login=f"{USER}:{PASSWORD}@").send(a_mail())
    assert receiver.logins == [("desk", "canary-pa@ss")]


def test_a_login_that_is_refused_is_told_without_it() -> None:
    with mail_receiver(takes_logins=False) as receiver, pytest.raises(ConfigurationError) as caught:
        client(receiver, login=f"{USER}:{PASSWORD}@").send(a_mail())
    assert str(caught.value).startswith(f"127.0.0.1:{receiver.port} answered 535 to the login")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(("tls", "scheme"), [("starttls", "smtp"), ("ssl", "smtps")])
def test_a_certificate_of_somebody_else_gets_no_login_and_no_mail(tls: str, scheme: str) -> None:
    with (
        mail_receiver(tls=tls, trusts_itself=False) as receiver,
        pytest.raises(ConfigurationError, match="has a certificate that can't be verified"),
    ):
        client(receiver, scheme, f"{USER}:{PASSWORD}@").send(a_mail())
    assert (receiver.logins, receiver.mails) == ([], [])


def test_beyond_this_machine_nothing_is_said_without_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is here; that its name is one of this machine is what the client must not see."""
    monkeypatch.setattr(MailServer, "is_here", False)
    with (
        mail_receiver(tls="") as receiver,
        pytest.raises(ConfigurationError, match="offers no STARTTLS"),
    ):
        client(receiver, login=f"{USER}:{PASSWORD}@").send(a_mail())
    assert (receiver.logins, receiver.mails) == ([], [])


def test_a_server_that_is_not_there_is_told_by_its_place() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(UnavailableError, match=rf"127\.0\.0\.1:{port} did not answer"):
        MailClient(read_server("X", f"smtp://{HOST}:{port}")).send(a_mail())


def test_a_server_that_drips_its_greeting_is_cut_off() -> None:
    """Each byte comes within the time-out of a read, and the line would never end."""
    with socket.create_server((HOST, 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(0.02)
                try:
                    while True:
                        connection.sendall(b"2")
                        try:
                            if not connection.recv(1):
                                return
                        except TimeoutError:
                            continue
                except OSError:
                    return

        thread = Thread(target=drip)
        thread.start()
        url = f"smtp://{HOST}:{server.getsockname()[1]}"
        with pytest.raises(UnavailableError, match="did not answer"):
            MailClient(read_server("X", url), seconds=0.2).send(a_mail())
        thread.join()


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("smtp://mail.example.com", ("mail.example.com", 587, False, "", "")),
        ("smtps://mail.example.com/", ("mail.example.com", 465, True, "", "")),
        (" smtp://a:b%40c@mail.example.com:25\n", ("mail.example.com", 25, False, "a", "b@c")),
        (
            "smtps://ann%40x.org:p@mail.example.com",
            ("mail.example.com", 465, True, "ann@x.org", "p"),
        ),
        ("smtp://[::1]:2525", ("::1", 2525, False, "", "")),
    ],
)
def test_a_server_is_read_from_its_url(url: str, found: tuple[object, ...]) -> None:
    server = read_server("X", url)
    values = (server.host, server.port, server.is_tls, server.user, server.password)
    assert values == found


def test_a_server_does_not_show_its_login() -> None:
    assert "canary" not in repr(read_server("X", "smtp://canary:canary@mail.example.com"))


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.com:587",
        "https://canary@mail.example.com",
        "smtp://canary:canary@",
        "smtp://canary@mail.example.com:many",
        "smtp://canary@mail.example.com:99999",
        "smtp://mail.example.com/canary",
        "smtp://canary@mail..example.com",
        f"smtp://canary@{'a' * 64}.example.com",
        "smtp://canary@[::1",
    ],
)
def test_a_url_that_cant_be_is_refused_and_nothing_of_it_is_told(url: str) -> None:
    """The last three were tracebacks, of which one kept every other notifier from being made."""
    with pytest.raises(ConfigurationError) as caught:
        read_server("X", url)
    assert str(caught.value).startswith("X is no such URL; expected smtp://user:password@host:587")
    assert "canary" not in str(caught.value)


def test_a_login_that_the_protocol_cant_carry_is_one_sentence() -> None:
    with (
        mail_receiver(tls="starttls") as receiver,
        pytest.raises(ConfigurationError, match="can't be told a login with letters beyond ASCII"),
    ):
        client(receiver, "smtp", f"{USER}:p%C3%A4ssword@").send(a_mail())
    assert receiver.mails == []
