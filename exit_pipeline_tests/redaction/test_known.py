"""Which values of an environment are secrets."""

import pytest

from exit_pipeline.redaction.known import secrets_of


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("ALPACA_API_KEY", "canary-alpaca", "canary-alpaca"),
        ("ALPACA_SECRET_KEY", "canary-alpaca", "canary-alpaca"),
        ("API_AUTH_TOKEN", " canary-token\n", "canary-token"),
        ("PGPASSWORD", "canary-word", "canary-word"),
        ("SMTP_PASSWORD", "canary-word", "canary-word"),
        ("EXIT_HOOK_SECRET", "canary-hook", "canary-hook"),
        ("DATABASE_URL", "postgresql://me:canary-word@host/db", "canary-word"),
        ("DATABASE_URL", "postgresql://me:canary%2Fword@host/db", "canary/word"),
        ("DATABASE_URL", "postgresql://me:canary%2Fword@host/db", "canary%2Fword"),
        ("EXIT_TAPE_OUT", "ftp://me:canary-word@host/tapes", "canary-word"),
        ("ANY_URL", "https://0123456789abcdef0123@host/1", "0123456789abcdef0123"),
        ("EXIT_WEBHOOK_URL", "https://host/services/T00/canary", "services/T00/canary"),
        ("EXIT_SLACK", "https://host/services/B0/0123456789abcdef", "0123456789abcdef"),
    ],
)  # fmt: skip
def test_a_secret_is_known_by_the_name_of_its_variable_or_its_place_in_a_url(
    name: str, value: str, expected: str
) -> None:
    assert expected in secrets_of({name: value})


def test_each_telling_line_of_a_secret_of_several_lines_is_one() -> None:
    key = "-----BEGIN KEY-----\nMIICanaryCanaryCanary01\nMIICanaryCanaryCanary02\nab=\n-----END"
    found = secrets_of({"SIGNING_KEY": key})
    assert {"MIICanaryCanaryCanary01", "MIICanaryCanaryCanary02", key} <= found
    assert "ab=" not in found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_AUTH_TOKEN", ""),
        ("API_AUTH_TOKEN", "short"),
        ("API_AUTH_TOKEN_FILE", "/run/secrets/token"),
        ("SSL_KEY_PATH", "/etc/keys/server.pem"),
        ("MONKEY", "a-long-value"),
        ("EXIT_BROKER", "paper-broker"),
        ("DATABASE_URL", "postgresql://somebody:somebody@host/db"),
        ("DATABASE_URL", "postgresql://me:exit_pipeline@host/db"),
        ("DATABASE_URL", "postgresql://me:database-of-mine@host/database-of-mine"),
        ("DATABASE_URL", "postgresql://[broken"),
        ("CBOE_BASE_URL", "http://127.0.0.1:8080/a/long/path/of/things"),
    ],
)
def test_what_is_short_public_or_a_place_is_no_secret(name: str, value: str) -> None:
    assert secrets_of({name: value}) == set()
