"""The service's socket and its log."""

import logging
from collections.abc import Iterator

import pytest

from exit_pipeline.core.model.errors import ConfigurationError
from exit_pipeline.redaction import MARK
from exit_pipeline.web.server import listen, set_up_log


@pytest.fixture
def _own_logging() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("exit_pipeline")
    before = (root.handlers[:], root.level, ours.level)
    yield
    root.handlers[:], level, our_level = before
    root.setLevel(level)
    ours.setLevel(our_level)


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with listen("127.0.0.1", 0) as on:
        port = on.getsockname()[1]
        with pytest.raises(ConfigurationError) as refused:
            listen("127.0.0.1", port)
    assert str(refused.value).startswith(f"HOST '127.0.0.1' with PORT {port} can't be listened on")


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_of_another_machine_is_one_sentence(host: str) -> None:
    with pytest.raises(ConfigurationError, match=f"HOST '{host}' with PORT 0 can't be"):
        listen(host, 0)


def test_it_listens_where_it_is_told_and_nowhere_else() -> None:
    with listen("127.0.0.1", 0) as on:
        assert on.getsockname()[0] == "127.0.0.1"


@pytest.mark.usefixtures("_own_logging")
def test_the_log_shows_no_token_whoever_writes_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("API_AUTH_TOKEN", "canary-0123456789abcdef0123456789")
    set_up_log()
    logging.getLogger("exit_pipeline.web").info("ours canary-0123456789abcdef0123456789")
    logging.getLogger("a.library").warning("theirs canary-0123456789abcdef0123456789")
    logging.getLogger("a.library").info("of no interest")
    shown = capsys.readouterr().err
    assert shown.count(MARK) == 2
    assert "canary" not in shown
    assert "of no interest" not in shown
