"""The commands about what is kept: migrate, db url and doctor."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from exit_pipeline.cli import group

Run = Callable[..., Any]
Refusal = Callable[..., str]

FILES = sorted(path.name for path in (Path(__file__).parents[2] / "sql").glob("*.sql"))
PASSWORD = "canary-of-a-password"  # noqa: S105 a made-up one
NOBODY_THERE = f"postgresql://desk:{PASSWORD}@127.0.0.1:1/exits"


def test_migrate_says_what_it_applied_and_a_second_time_that_nothing_was_left(
    run: Run, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    assert run("migrate").stdout.splitlines() == [f"applied {name}" for name in FILES]
    assert run("migrate").stdout == (
        f"nothing to apply: all {len(FILES)} migrations are in place\n"
    )


@pytest.mark.parametrize(
    "command",
    [
        ["migrate"],
        ["status"],
        ["orders"],
        ["alerts"],
        ["halt"],
        ["resume", "--reason", "x"],
        ["force-close", "a", "--reason", "x"],
        ["positions", "list"],
        ["tick"],
        ["sample"],
    ],
    ids=" ".join,
)
def test_an_unreachable_database_is_one_sentence_without_its_password(
    refusal: Refusal, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", NOBODY_THERE)
    sentence = refusal(*command)
    assert "127.0.0.1:1" in sentence
    assert PASSWORD not in sentence


@pytest.mark.parametrize("command", [["migrate"], ["status"], ["tick"]], ids=" ".join)
def test_a_malformed_url_is_one_sentence_without_any_part_of_it(
    refusal: Refusal, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgres//desk:{PASSWORD}@db/exits")
    sentence = refusal(*command)
    assert sentence.startswith("The database URL is malformed: write postgresql://")
    assert PASSWORD not in sentence


@pytest.mark.parametrize(
    "command", [["status"], ["positions", "list"], ["tick"], ["sample"]], ids=" ".join
)
def test_a_database_without_the_schema_names_the_command_that_helps(
    refusal: Refusal,
    empty_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    assert refusal(*command).endswith("run: exit-pipeline migrate")


def test_the_url_is_printed_for_other_programs(run: Run, database_url: str) -> None:
    assert run("db", "url").stdout == f"{database_url}\n"


def test_the_doctor_finds_everything_in_place(run: Run) -> None:
    lines = run("doctor").stdout.splitlines()
    assert [line[:7].strip() for line in lines] == ["ok"] * 6
    assert lines[0].endswith("reachable, schema up to date (DATABASE_URL)")
    assert "XNYS, closes 13:00 on 2015-12-24" in lines[1]
    assert "simulated, not the real market of now" in lines[2]
    assert "paper, environment paper" in lines[3]
    assert "*/5 * * * 1-5 in New York time" in lines[5]


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        ("EXIT_WORKER_ENABLED", "false", "off: EXIT_WORKER_ENABLED is false"),
        ("EXIT_WORKER_INTERVAL_SECONDS", "45", "every 45 seconds"),
    ],
)
def test_the_doctor_tells_of_another_schedule(
    run: Run, monkeypatch: pytest.MonkeyPatch, variable: str, text: str, said: str
) -> None:
    monkeypatch.setenv(variable, text)
    assert run("doctor").stdout.splitlines()[-1].endswith(said)


@pytest.mark.parametrize(
    ("variable", "text", "missing"),
    [
        pytest.param("DATABASE_URL", NOBODY_THERE, {"database"}, id="no database"),
        pytest.param("DATABASE_URL", "db", {"database", "broker"}, id="no URL"),
        pytest.param("EXIT_MARKET_DATA", "bloomberg", {"market data", "broker"}, id="source"),
        pytest.param("EXIT_BROKER", "robinhood", {"broker"}, id="broker"),
        pytest.param("EXIT_BROKER_ENV", "live", {"broker"}, id="live paper"),
        pytest.param("EXIT_WORKER_CRON", "nonsense", {"schedule"}, id="cron"),
    ],
)
def test_the_doctor_says_what_is_missing_and_exits_with_one(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, missing: set[str]
) -> None:
    """Regression: a broker or a source that could not be built ended in a traceback."""
    monkeypatch.setenv(variable, text)
    result = CliRunner().invoke(group, ["doctor"])
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    found = {line[9:22].strip() for line in result.stdout.splitlines() if "MISSING" in line[:7]}
    assert found == missing
    assert "Traceback" not in result.output
    assert PASSWORD not in result.output
