"""Each environment variable: its default, what it takes, and the sentence about what it doesn't."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from exit_pipeline.core.model.account import LiveArm
from exit_pipeline.core.model.errors import ConfigurationError
from exit_pipeline.settings import HttpSettings, Settings

DEFAULTS = {
    "home": Path.cwd() / ".exit_pipeline",
    "database_url": None,
    "dagster_postgres_url": None,
    "worker_enabled": True,
    "worker_cron": "*/5 * * * 1-5",
    "worker_interval_seconds": None,
    "broker": "paper",
    "broker_env": "paper",
    "live_arm": None,
    "market_data": "simulated",
    "chain_minutes": None,
    "import_positions": False,
    "policies": None,
    "shadow_policies": {},
    "reports": None,
    "tape_dir": None,
    "tape_out": None,
}
VARIABLES = {
    "EXIT_PIPELINE_HOME": "home",
    "DATABASE_URL": "database_url",
    "DAGSTER_POSTGRES_URL": "dagster_postgres_url",
    "EXIT_WORKER_ENABLED": "worker_enabled",
    "EXIT_WORKER_CRON": "worker_cron",
    "EXIT_WORKER_INTERVAL_SECONDS": "worker_interval_seconds",
    "EXIT_BROKER": "broker",
    "EXIT_BROKER_ENV": "broker_env",
    "EXIT_LIVE_ARM": "live_arm",
    "EXIT_MARKET_DATA": "market_data",
    "EXIT_CHAIN_MINUTES": "chain_minutes",
    "EXIT_IMPORT_POSITIONS": "import_positions",
    "EXIT_POLICIES": "policies",
    "EXIT_SHADOW_POLICIES": "shadow_policies",
    "EXIT_REPORTS": "reports",
    "EXIT_TAPE_DIR": "tape_dir",
    "EXIT_TAPE_OUT": "tape_out",
}


def values(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in DEFAULTS}


def test_an_empty_environment_gives_the_defaults() -> None:
    assert values(Settings.from_env({})) == DEFAULTS


def test_variables_that_are_set_to_nothing_give_the_defaults() -> None:
    assert values(Settings.from_env(dict.fromkeys(VARIABLES, ""))) == DEFAULTS


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        ("EXIT_PIPELINE_HOME", "/srv/exits", Path("/srv/exits")),
        ("EXIT_PIPELINE_HOME", "data", Path.cwd() / "data"),
        ("DATABASE_URL", "postgresql://desk@db/exits", "postgresql://desk@db/exits"),
        ("DAGSTER_POSTGRES_URL", "postgresql://desk@db/runs", "postgresql://desk@db/runs"),
        ("EXIT_WORKER_ENABLED", "false", False),
        ("EXIT_WORKER_ENABLED", " No ", False),
        ("EXIT_WORKER_ENABLED", "0", False),
        ("EXIT_WORKER_ENABLED", "OFF", False),
        ("EXIT_WORKER_ENABLED", "TRUE", True),
        ("EXIT_WORKER_ENABLED", "1", True),
        ("EXIT_WORKER_CRON", "*/15 10-15 * * 1-5", "*/15 10-15 * * 1-5"),
        ("EXIT_WORKER_INTERVAL_SECONDS", "1", 1),
        ("EXIT_WORKER_INTERVAL_SECONDS", " 30 ", 30),
        ("EXIT_WORKER_INTERVAL_SECONDS", "86400", 86_400),
        ("EXIT_BROKER", "alpaca", "alpaca"),
        ("EXIT_BROKER_ENV", "live", "live"),
        ("EXIT_LIVE_ARM", "123456789:2026-03-17", LiveArm("123456789", date(2026, 3, 17))),
        ("EXIT_LIVE_ARM", " VA:1:2024-02-29 ", LiveArm("VA:1", date(2024, 2, 29))),
        ("EXIT_MARKET_DATA", "recorded", "recorded"),
        ("EXIT_CHAIN_MINUTES", "0", 0),
        ("EXIT_CHAIN_MINUTES", " 15 ", 15),
        ("EXIT_CHAIN_MINUTES", "1440", 1_440),
        (
            "EXIT_SHADOW_POLICIES",
            " tight = stop_loss.percent=20; long_premium ;loose=long_premium, gex_flip=off; ",
            {
                "tight": "stop_loss.percent=20",
                "long_premium": "long_premium",
                "loose": "long_premium, gex_flip=off",
            },
        ),
        ("EXIT_IMPORT_POSITIONS", "yes", True),
        ("EXIT_POLICIES", "/srv/policies", Path("/srv/policies")),
        ("EXIT_POLICIES", "mine", Path.cwd() / "mine"),
        ("EXIT_REPORTS", "/srv/pages", Path("/srv/pages")),
        ("EXIT_TAPE_DIR", "tapes", "tapes"),
        ("EXIT_TAPE_OUT", "s3://bucket/tapes", "s3://bucket/tapes"),
    ],
)
def test_a_variable_sets_its_own_field_and_no_other(variable: str, text: str, value: Any) -> None:
    found = values(Settings.from_env({variable: text}))
    assert found == DEFAULTS | {VARIABLES[variable]: value}


def test_a_tilde_in_the_home_folder_is_the_users_own_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", "/users/trader")
    home = Settings.from_env({"EXIT_PIPELINE_HOME": "~/exits"}).home
    assert home == Path("/users/trader/exits")


def test_without_a_mapping_the_process_environment_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EXIT_WORKER_CRON", "0 12 * * *")
    assert Settings.from_env().worker_cron == "0 12 * * *"


def test_a_place_for_tapes_is_not_shown_as_its_url_may_hold_a_password() -> None:
    assert "hush" not in repr(Settings.from_env({"EXIT_TAPE_OUT": "sftp://desk:hush@store/tapes"}))


BOOLEAN = "expected true or false"
ARM = "expected <account id>:<YYYY-MM-DD>, such as 123:2026-03-17"
MINUTES = "expected a whole number of minutes from 0, never, to 1440"
SHADOWS = "expected NAME=POLICY or a policy's name, each name once in small letters, joined by ;"
SECONDS = "expected a whole number of seconds from 1 to 86400"


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        pytest.param("EXIT_SHADOW_POLICIES", "stop_loss.percent=20", SHADOWS, id="without a name"),
        pytest.param("EXIT_SHADOW_POLICIES", "tight=", SHADOWS, id="a name without a policy"),
        pytest.param("EXIT_SHADOW_POLICIES", "a; b=gex_flip=off; a", SHADOWS, id="a name twice"),
        pytest.param("EXIT_SHADOW_POLICIES", "Tight=default", SHADOWS, id="a capital"),
        pytest.param("EXIT_SHADOW_POLICIES", "default, gex_flip=off", SHADOWS, id="a bare text"),
        pytest.param("EXIT_WORKER_ENABLED", "maybe", BOOLEAN, id="neither true nor false"),
        pytest.param("EXIT_WORKER_ENABLED", "2", BOOLEAN, id="a number beyond 0 and 1"),
        pytest.param("EXIT_CHAIN_MINUTES", "often", MINUTES, id="minutes in words"),
        pytest.param("EXIT_CHAIN_MINUTES", "1441", MINUTES, id="more minutes than a day has"),
        pytest.param("EXIT_CHAIN_MINUTES", "-5", MINUTES, id="minutes below zero"),
        pytest.param("EXIT_IMPORT_POSITIONS", "all", BOOLEAN, id="what to import"),
        pytest.param("EXIT_WORKER_INTERVAL_SECONDS", "0", SECONDS, id="no interval"),
        pytest.param("EXIT_WORKER_INTERVAL_SECONDS", "86401", SECONDS, id="more than a day"),
        pytest.param("EXIT_WORKER_INTERVAL_SECONDS", "-5", SECONDS, id="negative"),
        pytest.param("EXIT_WORKER_INTERVAL_SECONDS", "2.5", SECONDS, id="a fraction"),
        pytest.param("EXIT_WORKER_INTERVAL_SECONDS", "5m", SECONDS, id="with a unit"),
        pytest.param("EXIT_WORKER_INTERVAL_SECONDS", "²", SECONDS, id="a raised digit"),
        *(
            pytest.param("EXIT_LIVE_ARM", text, ARM, id=f"an arm {name}")
            for name, text in {
                "of an account alone": "123456789",
                "without an account": ":2026-03-17",
                "without a date": "123456789:",
                "that is a word": "true",
                "of an account with a space": "123 456:2026-03-17",
                "without dashes": "123456789:20260317",
                "of a week": "123456789:2026-W12",
                "with a time": "123456789:2026-03-17T16:00",
                "of a day that is none": "123456789:2026-02-30",
                "of other digits": "123456789:２０２６-03-17",
            }.items()
        ),
        pytest.param("EXIT_BROKER_ENV", "sandbox", "expected one of paper, live", id="environment"),
        pytest.param(
            "EXIT_PIPELINE_HOME",
            "~nobody-of-this-name/exits",
            "expected a folder",
            id="home of an unknown user",
        ),
    ],
)
def test_a_value_that_cant_be_is_refused_in_one_sentence(
    variable: str, text: str, expected: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_env({variable: text})
    sentence = str(caught.value)
    assert sentence.startswith(f"{variable} is {text!r}; {expected}")
    assert "\n" not in sentence


def test_the_service_listens_on_8080_unless_told_otherwise_and_shows_no_token() -> None:
    token = "canary-0123456789abcdef0123456789"  # noqa: S105 of no service
    found = HttpSettings.from_env({"API_AUTH_TOKEN": f" {token}\n"})
    assert (found.port, found.token) == (8080, token)
    assert "canary" not in repr(found)
    assert HttpSettings.from_env({"API_AUTH_TOKEN": token, "PORT": "65535"}).port == 65_535


@pytest.mark.parametrize("length", [1, 31])
def test_a_token_that_is_too_short_is_refused_by_its_length_alone(length: int) -> None:
    with pytest.raises(ConfigurationError, match=f"API_AUTH_TOKEN has {length} characters"):
        HttpSettings.from_env({"API_AUTH_TOKEN": "x" * length})


def test_reports_lie_in_the_home_unless_a_folder_is_named() -> None:
    assert Settings.from_env({"EXIT_PIPELINE_HOME": "/a"}).report_folder == Path("/a/reports")
    named = Settings.from_env({"EXIT_PIPELINE_HOME": "/a", "EXIT_REPORTS": "/b"})
    assert named.report_folder == Path("/b")
