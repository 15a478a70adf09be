"""The commands about what is kept: migrate, db url and doctor."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from exit_pipeline.adapters.clocks.system import SystemClock
from exit_pipeline.cli import group
from exit_pipeline_tests.fake_brokers.alpaca import FakeAlpaca
from exit_pipeline_tests.fake_brokers.alpaca_rows import ACCOUNT

Run = Callable[..., Any]
Refusal = Callable[..., str]

FILES = sorted(path.name for path in (Path(__file__).parents[2] / "sql").glob("*.sql"))
AT_ALPACA = {"EXIT_BROKER": "alpaca", "EXIT_MARKET_DATA": "alpaca"}
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
    assert {line[:4].strip() for line in lines} == {"ok", "warn"}
    # An empty folder has no instance of Dagster, and tests ask as the server's own superuser.
    assert [line[6:18].strip() for line in lines if line.startswith("warn")] == [
        "dagster",
        "role",
        "daemon",
    ]
    assert lines[0].endswith("reachable, schema up to date (DATABASE_URL)")
    assert "XNYS, closes 13:00 on 2015-12-24" in lines[1]
    assert "simulated, not the real market of now" in lines[2]
    assert "paper, environment paper" in lines[3]
    assert "paper goes by this machine's clock" in lines[4]
    assert "*/5 * * * 1-5 in New York time" in lines[10]
    said = {line[6:18].strip(): line[19:] for line in lines}
    assert said["notifiers"] == "log; try them: exit-pipeline notify --test"
    assert said["TLS"].endswith("DATABASE_URL stays on this machine")
    assert "no run has ended yet" in said["audit trail"]


@pytest.mark.parametrize(
    ("seconds", "line"),
    [
        pytest.param(0, "ok    broker clock skew below a second; it", id="right"),
        pytest.param(30, "ok    broker clock this machine's clock is ", id="off"),
        pytest.param(300, "fail  broker clock this machine's clock is ", id="far off"),
    ],
)
def test_the_doctor_compares_the_clock_with_the_brokers(
    monkeypatch: pytest.MonkeyPatch, seconds: int, line: str
) -> None:
    with FakeAlpaca(SystemClock()) as alpaca:
        alpaca.skew = timedelta(seconds=seconds)
        for name, value in (alpaca.environ | AT_ALPACA).items():
            monkeypatch.setenv(name, value)
        result = CliRunner().invoke(group, ["doctor"])
        assert alpaca.asked() == [("GET", "/v2/account"), ("GET", "/v2/clock")]
    assert result.exit_code == (1 if line.startswith("fail") else 0)
    (found,) = (one for one in result.stdout.splitlines() if "broker clock" in one)
    assert found.startswith(line)
    assert ("set it by a time server" in found) is (seconds > 0)


def test_the_doctor_says_that_the_broker_refuses_the_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeAlpaca(SystemClock()) as alpaca:
        for name, value in (alpaca.environ | AT_ALPACA | {"ALPACA_API_KEY": "other"}).items():
            monkeypatch.setenv(name, value)
        result = CliRunner().invoke(group, ["doctor"])
    assert result.exit_code == 1
    assert "fail  broker       Alpaca refuses ALPACA_API_KEY" in result.stdout


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
    (line,) = (one for one in run("doctor").stdout.splitlines() if one[6:].startswith("schedule"))
    assert line.endswith(said)


@pytest.mark.parametrize(
    ("variable", "text", "missing"),
    [
        pytest.param("DATABASE_URL", NOBODY_THERE, {"database"}, id="no database"),
        pytest.param(
            "DATABASE_URL", "db", {"database", "database URL", "broker", "TLS"}, id="no URL"
        ),
        pytest.param("EXIT_MARKET_DATA", "bloomberg", {"market data", "broker"}, id="source"),
        pytest.param("EXIT_BROKER", "robinhood", {"broker"}, id="broker"),
        pytest.param("EXIT_BROKER_ENV", "live", {"broker"}, id="live paper"),
        pytest.param("EXIT_WORKER_CRON", "nonsense", {"schedule"}, id="cron"),
        pytest.param("EXIT_SHADOW_POLICIES", "tight=long_premum", {"shadows"}, id="shadow"),
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
    found = {line[6:18].strip() for line in result.stdout.splitlines() if line.startswith("fail")}
    assert found == missing
    assert "Traceback" not in result.output
    assert PASSWORD not in result.output


@pytest.fixture
def at_alpaca(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAlpaca]:
    """Alpaca in its paper environment, as a server of the test's own."""
    with FakeAlpaca(SystemClock()) as fake:
        environ = {"EXIT_BROKER": "alpaca", "EXIT_MARKET_DATA": "alpaca"}
        for variable, text in (fake.environ | environ).items():
            monkeypatch.setenv(variable, text)
        yield fake


def broker_line() -> str:
    """What the doctor says of the broker; an answer that is none must not end in a traceback."""
    result = CliRunner().invoke(group, ["doctor"])
    assert isinstance(result.exception, SystemExit | None)
    (line,) = [one for one in result.stdout.splitlines() if one[6:].startswith("broker  ")]
    assert result.exit_code == (0 if "fail  " not in result.stdout else 1)
    return line


def test_the_doctor_tells_which_account_the_broker_reports(at_alpaca: FakeAlpaca) -> None:
    assert broker_line() == "ok    broker       alpaca, environment paper, account PA...001"
    assert at_alpaca.asked() == [("GET", "/v2/account"), ("GET", "/v2/clock")]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        pytest.param(
            {"ALPACA_ACCOUNT_ID": "PA9"},
            "ALPACA_ACCOUNT_ID is 'PA9'; the broker says that its keys belong to PA...001",
            id="on paper, another account",
        ),
        pytest.param(
            {"ALPACA_SECRET_KEY": "another"},
            "Alpaca refuses ALPACA_API_KEY and ALPACA_SECRET_KEY in its paper environment with "
            "status 401",
            id="on paper, a wrong key",
        ),
        pytest.param(
            {"EXIT_BROKER_ENV": "live"},
            "ALPACA_ACCOUNT_ID is not set; EXIT_BROKER_ENV=live expects the id of the account to "
            "work at alpaca",
            id="live, the first key",
        ),
        pytest.param(
            {"EXIT_BROKER_ENV": "live", "ALPACA_ACCOUNT_ID": ACCOUNT},
            "EXIT_LIVE_ARM is not set; EXIT_BROKER_ENV=live expects <account id>:<YYYY-MM-DD>, "
            "with the account of ALPACA_ACCOUNT_ID and a date that is not past",
            id="live, the second key",
        ),
    ],
)
@pytest.mark.usefixtures("at_alpaca")
def test_the_doctor_says_what_the_broker_lacks(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    for variable, text in variables.items():
        monkeypatch.setenv(variable, text)
    assert broker_line() == f"fail  broker       {said}"


@pytest.mark.usefixtures("at_alpaca")
def test_the_doctor_names_the_live_account_that_both_keys_are_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EXIT_BROKER_ENV", "live")
    monkeypatch.setenv("ALPACA_ACCOUNT_ID", ACCOUNT)
    monkeypatch.setenv("EXIT_LIVE_ARM", f"{ACCOUNT}:9999-12-31")
    assert broker_line() == "ok    broker       alpaca, environment live, account PA...001"
