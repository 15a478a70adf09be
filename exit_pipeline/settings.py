"""Every setting that comes from the environment, read in one place.

A secret is never a field of a Dagster resource, run config or tag: adapters take it from the
environment themselves, at the moment they are built.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Final, Self

from exit_pipeline.core.model.account import LiveArm
from exit_pipeline.core.model.errors import ConfigurationError
from exit_pipeline.core.model.notice import NoticePace

_TRUE: Final = frozenset({"true", "1", "yes", "on"})
_FALSE: Final = frozenset({"false", "0", "no", "off"})
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_TOKEN: Final = re.compile(r"[!-~]+", re.ASCII)
_ARM: Final = re.compile(r"([!-~]+):(\d{4}-\d{2}-\d{2})", re.ASCII)

TOKEN_LENGTH: Final = 32
"""Characters that a token has at least: 128 bits where it is of random hexadecimal digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one process.

    Attributes:
        home: Folder of the embedded Postgres (``EXIT_PIPELINE_HOME``).
        database_url: Postgres to use instead of the embedded one (``DATABASE_URL``); not shown,
            since it holds a password, nor is the next one.
        dagster_postgres_url: Postgres for Dagster's own storage (``DAGSTER_POSTGRES_URL``).
        worker_enabled: Whether scheduled ticks run (``EXIT_WORKER_ENABLED``).
        worker_cron: When, in New York time (``EXIT_WORKER_CRON``).
        worker_interval_seconds: A sensor at this interval instead of the cron
            (``EXIT_WORKER_INTERVAL_SECONDS``).
        broker: Name of the broker adapter (``EXIT_BROKER``).
        broker_env: ``paper`` or ``live`` (``EXIT_BROKER_ENV``).
        live_arm: Account and last day that live money is armed for (``EXIT_LIVE_ARM``).
        market_data: Name of the market-data adapter, or names by need (``EXIT_MARKET_DATA``).
        max_contracts_per_order: Contracts in one order (``EXIT_MAX_CONTRACTS_PER_ORDER``).
        max_orders_per_position: Exits of one position in a day, repriced ones not counted
            (``EXIT_MAX_ORDERS_PER_POSITION``).
        max_orders_per_tick: New orders of one account in one tick (``EXIT_MAX_ORDERS_PER_TICK``).
        max_notional_per_tick: What they are worth together, dollars
            (``EXIT_MAX_NOTIONAL_PER_TICK``).
        chain_minutes: Every how many minutes the chain of an underlying is asked for, 0 for never
            (``EXIT_CHAIN_MINUTES``); None follows the source: 15 where a chain costs no requests,
            or a source is named for chains, and never otherwise.
        import_positions: Whether ticks bring in what the broker's accounts hold
            (``EXIT_IMPORT_POSITIONS``).
        policies: Folder with a user's own policies, files ``NAME.yaml`` (``EXIT_POLICIES``).
        shadow_policies: Policies that are decided as well and never sent, text by name
            (``EXIT_SHADOW_POLICIES``).
        reports: Folder that the pages of trading days are written to (``EXIT_REPORTS``); None is
            ``reports`` in `home`.
        tape_dir: Folder that the recorded source reads (``EXIT_TAPE_DIR``).
        tape_out: Folder or fsspec URL that live ticks write a tape to (``EXIT_TAPE_OUT``); not
            shown, since a URL may hold a password.
    """

    home: Path
    database_url: str | None = field(repr=False)
    dagster_postgres_url: str | None = field(repr=False)
    worker_enabled: bool
    worker_cron: str
    worker_interval_seconds: int | None
    broker: str
    broker_env: str
    live_arm: LiveArm | None
    market_data: str
    max_contracts_per_order: int
    max_orders_per_position: int
    max_orders_per_tick: int
    max_notional_per_tick: int
    chain_minutes: int | None
    import_positions: bool
    policies: Path | None
    shadow_policies: Mapping[str, str]
    reports: Path | None
    tape_dir: str | None
    tape_out: str | None = field(default=None, repr=False)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the settings.

        Args:
            environ: By default the environment of the process.

        Raises:
            ConfigurationError: A variable has a value that it can't have.
        """
        env = os.environ if environ is None else environ
        return cls(
            home=_folder(env, "EXIT_PIPELINE_HOME", default=".exit_pipeline"),
            database_url=env.get("DATABASE_URL") or None,
            dagster_postgres_url=env.get("DAGSTER_POSTGRES_URL") or None,
            worker_enabled=_boolean(env, "EXIT_WORKER_ENABLED", default=True),
            worker_cron=env.get("EXIT_WORKER_CRON") or "*/5 * * * 1-5",
            worker_interval_seconds=_seconds(env, "EXIT_WORKER_INTERVAL_SECONDS"),
            broker=env.get("EXIT_BROKER") or "paper",
            broker_env=_choice(env, "EXIT_BROKER_ENV", ("paper", "live")),
            live_arm=_arm(env, "EXIT_LIVE_ARM"),
            market_data=env.get("EXIT_MARKET_DATA") or "simulated",
            max_contracts_per_order=_count(env, "EXIT_MAX_CONTRACTS_PER_ORDER", 500),
            max_orders_per_position=_count(env, "EXIT_MAX_ORDERS_PER_POSITION", 10),
            max_orders_per_tick=_count(env, "EXIT_MAX_ORDERS_PER_TICK", 500),
            max_notional_per_tick=_count(env, "EXIT_MAX_NOTIONAL_PER_TICK", 5_000_000),
            chain_minutes=_minutes(env, "EXIT_CHAIN_MINUTES"),
            import_positions=_boolean(env, "EXIT_IMPORT_POSITIONS", default=False),
            policies=_folder(env, "EXIT_POLICIES") if env.get("EXIT_POLICIES") else None,
            shadow_policies=_named_texts(env, "EXIT_SHADOW_POLICIES"),
            reports=_folder(env, "EXIT_REPORTS") if env.get("EXIT_REPORTS") else None,
            tape_dir=env.get("EXIT_TAPE_DIR") or None,
            tape_out=env.get("EXIT_TAPE_OUT") or None,
        )

    @property
    def report_folder(self) -> Path:
        """Where the pages of trading days lie."""
        return self.reports or self.home / "reports"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifySettings:
    """Who is told of alerts, and how often.

    They are apart from ``Settings``, so that a mistake in them keeps no tick from its work.

    Attributes:
        names: Modules of the package adapters/notifiers, each once (``EXIT_NOTIFY``).
        pace: How often people are told (``EXIT_NOTIFY_QUIET_MINUTES``,
            ``EXIT_NOTIFY_REPEAT_MINUTES``).
    """

    names: tuple[str, ...] = ("log",)
    pace: NoticePace = field(default_factory=NoticePace)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the settings.

        Raises:
            ConfigurationError: A variable has a value that it can't have.
        """
        env = os.environ if environ is None else environ
        usual = cls()
        quiet = _minutes(env, "EXIT_NOTIFY_QUIET_MINUTES", least=1)
        repeat = _minutes(env, "EXIT_NOTIFY_REPEAT_MINUTES", least=1)
        pace = NoticePace(
            quiet=usual.pace.quiet if quiet is None else timedelta(minutes=quiet),
            repeat=usual.pace.repeat if repeat is None else timedelta(minutes=repeat),
        )
        return cls(names=_names(env, "EXIT_NOTIFY") or usual.names, pace=pace)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """The settings of ``exit-pipeline serve``.

    Attributes:
        port: Where it listens (``PORT``).
        token: What every caller must have (``API_AUTH_TOKEN``); not shown.
    """

    port: int
    token: str = field(repr=False)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the settings; no part of the token is in any sentence.

        Raises:
            ConfigurationError: A variable has a value that it can't have, or there is no token.
        """
        env = os.environ if environ is None else environ
        return cls(port=_port(env, "PORT"), token=_token(env, "API_AUTH_TOKEN"))


def _folder(env: Mapping[str, str], name: str, *, default: str = "") -> Path:
    text = env.get(name) or default
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:
        message = f"{name} is {text!r}; expected a folder, not the home of an unknown user"
        raise ConfigurationError(message) from error


def _boolean(env: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = (env.get(name) or "").strip().lower()
    if text in _TRUE | _FALSE:
        return text in _TRUE
    if not text:
        return default
    message = f"{name} is {env[name]!r}; expected true or false"
    raise ConfigurationError(message)


def _seconds(env: Mapping[str, str], name: str) -> int | None:
    text = (env.get(name) or "").strip()
    if not text:
        return None
    if text.isdecimal() and 1 <= int(text) <= 86_400:
        return int(text)
    message = f"{name} is {text!r}; expected a whole number of seconds from 1 to 86400"
    raise ConfigurationError(message)


def _minutes(env: Mapping[str, str], name: str, *, least: int = 0) -> int | None:
    text = (env.get(name) or "").strip()
    if not text:
        return None
    if text.isdecimal() and least <= int(text) <= 1_440:
        return int(text)
    first = least or "0, never,"
    message = f"{name} is {text!r}; expected a whole number of minutes from {first} to 1440"
    raise ConfigurationError(message)


def _names(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    found = tuple(part.strip() for part in (env.get(name) or "").split(",") if part.strip())
    if len(set(found)) == len(found) and all(map(_NAME.fullmatch, found)):
        return found
    message = f"{name} is {env[name]!r}; expected names, each once, such as log,slack"
    raise ConfigurationError(message)


def _count(env: Mapping[str, str], name: str, default: int) -> int:
    text = (env.get(name) or str(default)).strip()
    if text.isdecimal() and 1 <= int(text) <= 1_000_000_000:
        return int(text)
    message = f"{name} is {text!r}; expected a whole number from 1 to 1000000000"
    raise ConfigurationError(message)


def _choice(env: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    value = env.get(name) or choices[0]
    if value in choices:
        return value
    message = f"{name} is {value!r}; expected one of {', '.join(choices)}"
    raise ConfigurationError(message)


def _named_texts(env: Mapping[str, str], name: str) -> Mapping[str, str]:
    """Texts by their names, as NAME=TEXT joined by ``;``; a NAME alone is its own text."""
    found: dict[str, str] = {}
    for item in (env.get(name) or "").split(";"):
        key, sign, text = (part.strip() for part in item.partition("="))
        if not key and not sign:
            continue
        if not _NAME.fullmatch(key) or key in found or (sign and not text):
            message = (
                f"{name} is {env[name]!r}; expected NAME=POLICY or a policy's name, each name once "
                "in small letters, joined by ;, such as tight=stop_loss.percent=20; long_premium"
            )
            raise ConfigurationError(message)
        found[key] = text or key
    return found


def _arm(env: Mapping[str, str], name: str) -> LiveArm | None:
    text = (env.get(name) or "").strip()
    if not text:
        return None
    try:
        if found := _ARM.fullmatch(text):
            return LiveArm(found[1], date.fromisoformat(found[2]))
    except ValueError:
        pass  # such as the 30th of February
    message = f"{name} is {text!r}; expected <account id>:<YYYY-MM-DD>, such as 123:2026-03-17"
    raise ConfigurationError(message)


def _port(env: Mapping[str, str], name: str) -> int:
    text = (env.get(name) or "8080").strip()
    if text.isascii() and text.isdecimal() and 1 <= int(text) <= 65_535:
        return int(text)
    message = f"{name} is {text!r}; expected a port, a whole number from 1 to 65535"
    raise ConfigurationError(message)


def _token(env: Mapping[str, str], name: str) -> str:
    # A file that a secret is read from often ends with a line break.
    token = (env.get(name) or "").strip()
    expected = f"expected at least {TOKEN_LENGTH} characters, such as: openssl rand -hex 32"
    if not token:
        message = f"{name} is not set; {expected}"
        raise ConfigurationError(message)
    if not _TOKEN.fullmatch(token):
        message = f"{name} has a space or another character that no header may carry; {expected}"
        raise ConfigurationError(message)
    if len(token) < TOKEN_LENGTH:
        message = f"{name} has {len(token)} characters; {expected}"
        raise ConfigurationError(message)
    return token
