"""The command that opens the HTTP service: what it refuses, and one real process over a socket."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

import exit_pipeline

Refusal = Callable[..., str]
TOKEN = "canary-token-0123456789abcdef0123"  # noqa: S105 of no service
PROGRAM = Path(sys.executable).with_name("exit-pipeline")
CHECKOUT = Path(exit_pipeline.__file__).parent.parent


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (None, "API_AUTH_TOKEN is not set; expected at least 32 characters"),
        ("", "API_AUTH_TOKEN is not set; expected at least 32 characters"),
        ("canary-too-short", "API_AUTH_TOKEN has 16 characters; expected at least 32"),
        ("canary " * 10, "API_AUTH_TOKEN has a space or another character that no header may"),
        ("canäry" * 10, "API_AUTH_TOKEN has a space or another character that no header may"),
    ],
    ids=["none", "empty", "short", "spaces", "not ASCII"],
)
def test_without_a_good_token_it_refuses_to_start_in_one_sentence_that_does_not_show_it(
    refusal: Refusal, monkeypatch: pytest.MonkeyPatch, token: str | None, said: str
) -> None:
    monkeypatch.delenv("API_AUTH_TOKEN", raising=False)
    if token is not None:
        monkeypatch.setenv("API_AUTH_TOKEN", token)
    sentence = refusal("serve")
    assert sentence.startswith(said)
    assert "can" not in sentence.removeprefix(said)


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "８０８０"])
def test_a_port_that_is_none_is_one_sentence(
    refusal: Refusal, monkeypatch: pytest.MonkeyPatch, port: str
) -> None:
    monkeypatch.setenv("API_AUTH_TOKEN", TOKEN)
    monkeypatch.setenv("PORT", port)
    assert refusal("serve") == (
        f"PORT is {port!r}; expected a port, a whole number from 1 to 65535"
    )


def test_where_dagster_would_keep_nothing_it_refuses_to_start(
    refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_AUTH_TOKEN", TOKEN)
    assert refusal("serve") == "there is no dagster.yaml here and DAGSTER_HOME is not set"


def test_a_database_that_lacks_migrations_refuses_to_start(
    refusal: Refusal, monkeypatch: pytest.MonkeyPatch, empty_database_url: str
) -> None:
    monkeypatch.setenv("API_AUTH_TOKEN", TOKEN)
    monkeypatch.setenv("DAGSTER_HOME", str(CHECKOUT))
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    assert "run: exit-pipeline migrate" in refusal("serve")


@pytest.fixture
def process(database_url: str, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The service as a user starts it, on a free port, with its address."""
    (tmp_path / "dagster.yaml").write_text((CHECKOUT / "dagster.yaml").read_text())
    command = [str(PROGRAM), "serve", "--port", "0"]
    environ = os.environ | {"API_AUTH_TOKEN": TOKEN, "DATABASE_URL": database_url}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environ, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as started:  # fmt: skip
        assert started.stdout is not None
        try:
            first = started.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+", first)
            assert found, first + started.stdout.read()
            yield started, found[0]
        finally:
            started.kill()


def test_a_real_process_answers_over_a_socket_keeps_its_runs_and_ends_when_told(
    process: tuple[subprocess.Popen[str], str],
) -> None:
    started, address = process
    with httpx.Client(base_url=address, timeout=120) as client:
        assert client.get("/health").json()["components"]["database"] == {"state": "ok"}
        assert client.post("/refactored-exit-worker").status_code == 401
        client.headers["Authorization"] = f"Bearer {TOKEN}"
        worked = client.post("/refactored-exit-worker", params={"dry_run": "true"})
        assert worked.status_code == 200, worked.text
        assert worked.json()["dry_run"] is True
        assert client.get("/metrics").status_code == 200
        assert "server" not in worked.headers
    started.send_signal(signal.SIGTERM)
    assert started.stdout is not None
    told = started.stdout.read()
    assert started.wait() in {0, -signal.SIGTERM}
    assert "POST /refactored-exit-worker 401" in told
    assert "POST /refactored-exit-worker 200" in told
    assert TOKEN not in told
    assert "Traceback" not in told
