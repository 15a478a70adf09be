"""What the doctor says of a place where money is at stake."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

import exit_pipeline
from exit_pipeline.adapters.clocks.fixed import FixedClock
from exit_pipeline.adapters.clocks.system import SystemClock
from exit_pipeline.cli import group
from exit_pipeline.defs import daemon_age, resources
from exit_pipeline_tests.cli.conftest import Rows

SECRET = "canary-of-a-password"  # noqa: S105 a made-up one
TOKEN = "0123456789abcdef0123456789abcdef"  # noqa: S105 of no service
NOWHERE = "127.0.0.1:1"
Lines = Callable[[], dict[str, tuple[str, str]]]


@pytest.fixture
def lines() -> Lines:
    """What the doctor says: mark and sentence by name of the check."""

    def ask() -> dict[str, tuple[str, str]]:
        result = CliRunner().invoke(group, ["doctor"])
        assert isinstance(result.exception, SystemExit | None), result.output
        found = {
            line[6:18].strip(): (line[:4].strip(), line[19:]) for line in result.stdout.splitlines()
        }
        assert {mark for mark, _ in found.values()} <= {"ok", "warn", "fail"}
        is_failed = any(mark == "fail" for mark, _ in found.values())
        assert result.exit_code == (1 if is_failed else 0)
        assert SECRET not in result.output
        return found

    return ask


@pytest.mark.parametrize("variable", ["DATABASE_URL", "DAGSTER_POSTGRES_URL"])
def test_neons_pooler_is_refused_with_the_url_to_use_instead(
    lines: Lines, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    # No name service knows the host, and the check asks none.
    monkeypatch.setenv(variable, f"postgresql://desk:{SECRET}@ep-a-1-pooler.invalid.neon.tech/db")
    name = "database URL" if variable == "DATABASE_URL" else "dagster URL"
    mark, said = lines()[name]
    assert mark == "fail"
    assert said.startswith(f"{variable}: its pooler shares one session among many")
    assert said.endswith(
        "Use instead: postgresql://desk:***@ep-a-1.invalid.neon.tech/db?sslmode=require"
    )


def test_a_malformed_url_is_named_by_its_variable(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", f"postgresql//desk:{SECRET}@db/runs")
    mark, said = lines()["dagster URL"]
    assert (mark, said.partition(": ")[0]) == ("fail", "DAGSTER_POSTGRES_URL")


def test_where_nothing_is_set_it_says_so(lines: Lines) -> None:
    found = lines()
    assert found["database URL"] == ("ok", "DATABASE_URL needs no change")
    assert found["dagster URL"] == ("ok", "DAGSTER_POSTGRES_URL is not set")
    assert found["schema"][1].startswith("00")
    assert found["clock"][0] == "ok"
    assert found["http"][1].startswith("API_AUTH_TOKEN is not set")


def test_nothing_more_is_said_of_a_database_that_does_not_answer(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://desk:{SECRET}@{NOWHERE}/exits")
    assert lines().keys().isdisjoint({"schema", "role", "clock"})


def test_a_superuser_is_more_than_a_tick_needs(lines: Lines) -> None:
    mark, said = lines()["role"]
    assert mark == "warn"
    assert "a superuser is more than a tick needs" in said


def test_a_role_that_may_only_read_fails_by_the_tables_that_are_closed_to_it(
    lines: Lines, rows: Rows, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "reads_" + database_url.partition("/test_")[2][:8]
    rows(
        f"CREATE ROLE {name} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name};"
        " COMMIT; SELECT 1"
    )
    monkeypatch.setenv("DATABASE_URL", database_url.replace("postgres@", f"{name}@"))
    mark, said = lines()["role"]
    rows(f"DROP OWNED BY {name}; DROP ROLE {name}; COMMIT; SELECT 1")
    assert mark == "fail"
    assert said.startswith(f"{name} may not read and add to refactored_positions, ")


@pytest.mark.parametrize(
    ("seconds", "mark"),
    [(-3600, "fail"), (-10, "warn"), (10, "warn"), (3600, "fail")],
    ids=["an hour behind", "behind", "ahead", "an hour ahead"],
)
def test_a_clock_that_is_not_the_databases_is_told(
    lines: Lines, monkeypatch: pytest.MonkeyPatch, seconds: int, mark: str
) -> None:
    clock = FixedClock(SystemClock().now() + timedelta(seconds=seconds))
    monkeypatch.setattr(resources, "make_clock", lambda: clock)
    found = lines()["clock"]
    assert found[0] == mark
    assert found[1].endswith("seconds apart; set it by a time server")


def test_dagsters_storage_that_does_not_answer_is_one_sentence(
    lines: Lines, monkeypatch: pytest.MonkeyPatch, checkout_as_home: None
) -> None:
    """Regression: it was a traceback, and nothing after it was said."""
    del checkout_as_home
    monkeypatch.setattr("dagster_postgres.utils.time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", f"postgresql://desk:{SECRET}@{NOWHERE}/runs")
    found = lines()
    assert found["dagster"] == ("fail", "Dagster's storage at 127.0.0.1 did not answer")
    assert "daemon" not in found
    assert "http" in found


def test_a_daemon_that_never_ran_is_a_warning(lines: Lines, checkout_as_home: None) -> None:
    del checkout_as_home
    assert lines()["daemon"] == (
        "warn",
        "Dagster's daemon never showed itself: no tick comes until it runs",
    )


@pytest.mark.parametrize(
    ("age", "mark", "said"),
    [
        (timedelta(seconds=31), "ok", "seen 31 seconds ago"),
        (
            timedelta(minutes=7),
            "warn",
            "Dagster's daemon was last seen 7 minutes ago: no tick comes until it runs",
        ),
    ],
    ids=["alive", "silent"],
)
def test_the_daemons_last_sign_of_life_is_told(
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
    checkout_as_home: None,
    age: timedelta,
    mark: str,
    said: str,
) -> None:
    del checkout_as_home
    monkeypatch.setattr(daemon_age, "daemon_age", lambda *_: age)
    assert lines()["daemon"] == (mark, said)


def test_an_instance_that_does_not_watch_its_runs_is_a_warning(
    lines: Lines, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = (Path(exit_pipeline.__file__).parents[1] / "dagster.yaml").read_text()
    watched = "run_monitoring:\n  enabled: true"
    assert watched in text
    (tmp_path / "dagster.yaml").write_text(text.replace(watched, watched.replace("true", "false")))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    assert lines()["daemon"][1].startswith("run_monitoring is off in dagster.yaml")


class _Other(BaseHTTPRequestHandler):
    """A program on the service's port: what it answers is set by the test."""

    answer: Any = None

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(self.answer).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A port on which something listens, set as the service's."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Other) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("API_AUTH_TOKEN", TOKEN)
        monkeypatch.setenv("PORT", str(server.server_port))
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize(
    ("answer", "mark", "said"),
    [
        ({"info": {"title": "exit-pipeline"}}, "ok", "exit-pipeline serve answers on PORT"),
        ({"info": {"title": "another"}}, "warn", "another program listens on PORT"),
        ([], "warn", "another program listens on PORT"),
    ],
    ids=["ours", "another", "no document"],
)
def test_who_listens_on_the_services_port_is_told(
    lines: Lines, port: int, monkeypatch: pytest.MonkeyPatch, answer: Any, mark: str, said: str
) -> None:
    monkeypatch.setattr(_Other, "answer", answer)
    assert lines()["http"] == (mark, f"the token is long enough; {said} {port}")


@pytest.mark.parametrize(
    ("token", "port", "said"),
    [
        ("canary-too-short", "8080", "API_AUTH_TOKEN has 16 characters; expected at least 32"),
        (TOKEN, "http", "PORT is 'http'; expected a port"),
    ],
    ids=["token", "port"],
)
def test_a_service_that_would_refuse_to_start_fails(
    lines: Lines, monkeypatch: pytest.MonkeyPatch, token: str, port: str, said: str
) -> None:
    monkeypatch.setenv("API_AUTH_TOKEN", token)
    monkeypatch.setenv("PORT", port)
    mark, found = lines()["http"]
    assert mark == "fail"
    assert found.startswith(said)


def test_a_free_port_is_told(lines: Lines, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    del port
    monkeypatch.setenv("PORT", "1")
    assert lines()["http"] == ("ok", "the token is long enough; PORT 1 is free")
