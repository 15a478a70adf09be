"""Log lines without secrets."""

import logging

import pytest

from exit_pipeline.web.redaction import MARK, Redacting, secrets_of

ENVIRON = {
    "API_AUTH_TOKEN": "canary-token-0123456789abcdef0123",
    "ALPACA_API_KEY": "canary-alpaca-key",
    "ALPACA_SECRET_KEY": "canary-alpaca-secret",
    "TRADIER_API_KEY": "canary-tradier",
    "DATABASE_URL": "postgresql://me:canary%2Fpass@host:5432/db",
    "DAGSTER_POSTGRES_URL": "postgresql://me:canary-dagster@host/db",
    "EXIT_NOTIFY_WEBHOOK_URL": "https://hooks.example.com/canary-hook",
    "EXIT_NOTIFY_SLACK_URL": "https://hooks.example.com/canary-slack",
    "EXIT_NOTIFY_SMTP_URL": "smtp://me:canary-mail@host:587",
}


def line(message: str, *arguments: object, error: BaseException | None = None) -> str:
    record = logging.LogRecord(
        "exit_pipeline.x", logging.INFO, __file__, 1, message, arguments,
        (type(error), error, error.__traceback__) if error else None,
    )  # fmt: skip
    return Redacting(secrets_of(ENVIRON)).format(record)


@pytest.mark.parametrize(
    "secret",
    [
        "canary-token-0123456789abcdef0123",
        "canary-alpaca-key",
        "canary-alpaca-secret",
        "canary-tradier",
        "canary%2Fpass",
        "canary/pass",
        "canary-dagster",
        "https://hooks.example.com/canary-hook",
        "https://hooks.example.com/canary-slack",
        "canary-mail",
    ],
)
def test_no_secret_of_the_environment_is_shown_wherever_it_stands(secret: str) -> None:
    assert secret not in line(f"a {secret} b")
    assert secret not in line("a %s b", secret)
    assert secret not in line("a %r", {"key": secret})
    try:
        raise RuntimeError(secret)
    except RuntimeError as error:
        told = line("failed", error=error)
    assert "RuntimeError" in told
    assert secret not in told
    assert MARK in told


def test_a_bearer_of_anybody_is_not_shown() -> None:
    assert line("Authorization: Bearer abc.def/ghi= next").endswith(
        f"Authorization: Bearer {MARK} next"
    )


def test_other_lines_stay_as_they_are_also_without_any_secret() -> None:
    record = logging.LogRecord("x", logging.WARNING, __file__, 1, "plain", (), None)
    assert Redacting([]).format(record).endswith(" WARNING plain")
    assert Redacting(["", "abc"]).format(record).endswith(" WARNING plain")
