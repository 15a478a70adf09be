"""No logger and no last word shows a secret, whoever writes it."""

import io
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest

from exit_pipeline.redaction import MARK, install

CANARY = "canary-of-the-tests-0123456789"


@pytest.fixture(autouse=True)
def _known() -> Iterator[None]:
    install({"SOME_SECRET": CANARY})
    yield
    install()


@pytest.fixture(params=["exit_pipeline.x", "httpx", "sqlalchemy.engine", "dagster", "nobody's", ""])
def shown(request: pytest.FixtureRequest) -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """A logger, and what a handler of its own writes, which knows of no redaction."""
    logger, out = logging.getLogger(request.param), io.StringIO()
    handler, level = logging.StreamHandler(out), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield logger, out
    logger.removeHandler(handler)
    logger.setLevel(level)


def test_no_logger_shows_a_secret_in_message_arguments_error_or_stack(
    shown: tuple[logging.Logger, io.StringIO],
) -> None:
    logger, out = shown
    logger.warning("a %s b", CANARY)
    logger.warning("a %(key)s b", {"key": CANARY})
    logger.warning(f"a {CANARY} b", stack_info=True)
    logger.warning(ValueError(CANARY))
    try:
        raise ValueError(CANARY)
    except ValueError:
        logger.exception("failed")
    assert CANARY not in out.getvalue()
    assert out.getvalue().count(MARK) == 5


def test_a_logger_outside_of_the_tree_shows_none_either() -> None:
    out = io.StringIO()
    logger = logging.Logger("alone")
    logger.addHandler(logging.StreamHandler(out))
    logger.error("a %s b", CANARY)
    assert out.getvalue() == f"a {MARK} b\n"


def test_a_message_that_its_arguments_do_not_fit_shows_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logger = logging.Logger("alone")
    logger.addHandler(logging.StreamHandler())
    logger.error("a %s and %s", CANARY)  # noqa: PLE1206 that is the mistake
    assert CANARY not in capsys.readouterr().err


@pytest.mark.parametrize(
    "work",
    [
        "raise ValueError(os.environ['SOME_SECRET'])",
        "t = threading.Thread(target=int, args=(os.environ['SOME_SECRET'],)); t.start(); t.join()",
    ],
    ids=["of the program", "of a thread"],
)
def test_the_last_word_shows_none(work: str) -> None:
    script = f"import os, threading; from exit_pipeline.redaction import install; install(); {work}"
    ended = subprocess.run(
        [sys.executable, "-c", script],
        env={"SOME_SECRET": CANARY},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ValueError" in ended.stderr
    assert CANARY not in ended.stdout + ended.stderr
    assert MARK in ended.stderr


def test_a_secret_that_was_changed_is_known_from_the_next_installation_on() -> None:
    install({"SOME_SECRET": "another-canary"})
    out = io.StringIO()
    logger = logging.Logger("alone")
    logger.addHandler(logging.StreamHandler(out))
    logger.error("another-canary")
    assert out.getvalue() == f"{MARK}\n"
