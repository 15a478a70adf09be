"""JSON to a URL that is a secret: what each answer means, and what is never told."""

import socket
from collections.abc import Iterator
from threading import Thread

import pytest

from exit_pipeline.adapters.clients.post_json import JsonPoster
from exit_pipeline.core.model.errors import (
    ConfigurationError,
    ExitPipelineError,
    UnavailableError,
)
from exit_pipeline.ports import NoticeRefusedError
from exit_pipeline_tests.receivers import HttpReceiver, http_receiver


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with http_receiver() as made:
        yield made


def poster(url: str, **other: float) -> JsonPoster:
    return JsonPoster("HOOK", {"HOOK": url}, **other)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_success_will_do(receiver: HttpReceiver, status: int) -> None:
    receiver.status = status
    poster(receiver.url()).post({"a": 1})
    assert receiver.bodies == [{"a": 1}]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, ConfigurationError),
        (401, ConfigurationError),
        (403, ConfigurationError),
        (404, ConfigurationError),
        (410, ConfigurationError),
        (400, NoticeRefusedError),
        (413, NoticeRefusedError),
        (422, NoticeRefusedError),
        (408, UnavailableError),
        (425, UnavailableError),
        (429, UnavailableError),
        (500, UnavailableError),
        (503, UnavailableError),
    ],
)
def test_an_answer_tells_a_wrong_url_from_a_wrong_message_and_a_bad_moment(
    receiver: HttpReceiver, status: int, kind: type[ExitPipelineError]
) -> None:
    receiver.status = status
    with pytest.raises(kind, match=f"127.0.0.1 answered with status {status}"):
        poster(receiver.url()).post({})


def test_a_redirection_is_not_followed(receiver: HttpReceiver) -> None:
    receiver.status = 307
    with pytest.raises(ConfigurationError):
        poster(receiver.url()).post({})
    assert [path for path, _ in receiver.posted] == ["/hook/canary-token"]


def test_a_server_that_is_not_there_is_told_by_its_host_alone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(UnavailableError) as caught:
        poster(f"http://127.0.0.1:{port}/canary").post({})
    assert str(caught.value) == "127.0.0.1: no connection"


def test_a_server_that_never_answers_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/canary"
        with pytest.raises(UnavailableError, match=r"127\.0\.0\.1: no answer in time"):
            poster(url, seconds=0.1).post({})


def test_a_server_that_drips_its_answer_is_cut_off() -> None:
    """Each byte comes within the time-out of a read, and the last one would never come."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n")
                try:
                    while True:
                        connection.sendall(b"x")
                        connection.settimeout(0.02)
                        try:
                            if not connection.recv(65_536):
                                return
                        except TimeoutError:
                            continue
                except OSError:
                    return

        thread = Thread(target=drip)
        thread.start()
        with pytest.raises(UnavailableError, match="no answer in time"):
            poster(f"http://127.0.0.1:{server.getsockname()[1]}/canary", seconds=0.2).post({})
        thread.join()


@pytest.mark.parametrize(
    "url",
    [
        "hooks.example.com/canary",
        "http://hooks.example.com/canary",
        "ftp://hooks.example.com/canary",
        "https:///canary",
        "https://hooks.example.com:canary/",
        "canary",
        "https://hooks..example.com/canary",
        f"https://{'a' * 64}.example.com/canary",
        "https://[::1/canary",
    ],
)
def test_a_url_that_cant_be_is_refused_and_nothing_of_it_is_told(url: str) -> None:
    """A name with a part that is empty or too long ended `notify --test` with a traceback."""
    with pytest.raises(ConfigurationError) as caught:
        poster(url)
    assert str(caught.value).startswith("HOOK is no such URL; expected the webhook's URL, https://")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("environ", [{}, {"HOOK": ""}, {"HOOK": " \n"}])
def test_without_a_url_the_sentence_names_the_setting(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="HOOK is not set; expected"):
        JsonPoster("HOOK", environ)


def test_a_line_break_at_the_end_of_a_secrets_file_does_no_harm(receiver: HttpReceiver) -> None:
    poster(f"{receiver.url()}\n").post({})
    assert receiver.posted[0][0] == "/hook/canary-token"


def test_it_does_not_show_its_url() -> None:
    shown = repr(poster("https://hooks.example.com/services/canary?token=canary"))
    assert shown == "JsonPoster(HOOK, hooks.example.com)"
