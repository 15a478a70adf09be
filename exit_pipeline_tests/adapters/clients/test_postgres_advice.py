"""What is said of a hosted database's URL."""

import pytest

from exit_pipeline.adapters.clients.postgres_advice import advise
from exit_pipeline.core.model.errors import ConfigurationError

SECRET = "canary-of-a-password"  # noqa: S105 a made-up one
DIRECT = "ep-cool-darkness-123456.us-east-2.aws.neon.tech"
POOLED = "ep-cool-darkness-123456-pooler.us-east-2.aws.neon.tech"
POOLER, PLAIN = "its pooler shares one session", "without sslmode=require"


@pytest.mark.parametrize(
    ("url", "faults", "instead"),
    [
        pytest.param(
            f"postgresql://alex:{SECRET}@{POOLED}/exits?sslmode=require",
            [POOLER],
            f"postgresql://alex:***@{DIRECT}/exits?sslmode=require",
            id="the pooler",
        ),
        pytest.param(
            f"postgresql://alex:{SECRET}@{DIRECT}/exits",
            [PLAIN],
            f"postgresql://alex:***@{DIRECT}/exits?sslmode=require",
            id="no sslmode",
        ),
        pytest.param(
            f"postgres://alex:{SECRET}@{POOLED}:5432/exits?sslmode=prefer&channel_binding=require",
            [POOLER, PLAIN],
            f"postgresql://alex:***@{DIRECT}:5432/exits?channel_binding=require&sslmode=require",
            id="both, and what else is there stays",
        ),
        pytest.param(
            f"postgresql://al%40ex@{POOLED.upper()}/exits?password={SECRET}&sslmode=verify-full",
            [POOLER],
            f"postgresql://al%40ex:***@{DIRECT.upper()}/exits?sslmode=verify-full",
            id="capital letters, and a password elsewhere",
        ),
        pytest.param(
            f"postgresql+psycopg2://alex@{DIRECT}/exits?sslpassword={SECRET}",
            [PLAIN],
            f"postgresql://alex@{DIRECT}/exits?sslpassword=***&sslmode=require",
            id="another secret",
        ),
    ],
)
def test_the_url_to_use_instead_is_said_without_its_password(
    url: str, faults: list[str], instead: str
) -> None:
    advice = advise(url)
    assert advice is not None
    assert advice.instead == instead
    for fault, start in zip(advice.faults, faults, strict=True):
        assert fault.startswith(start)
    assert SECRET not in repr(advice)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://alex:{SECRET}@{DIRECT}/exits?sslmode=require",
        f"postgresql://alex:{SECRET}@{DIRECT}/exits?sslmode=verify-full",
        f"postgresql://alex:{SECRET}@db-pooler.example.com/exits",
        f"postgresql://alex:{SECRET}@neon.tech.example.com/exits",
        "postgresql://postgres@/exit_pipeline?host=/run/postgresql&port=5432",
    ],
    ids=["direct", "stricter", "no pooler of Neon's", "no host of Neon's", "a socket"],
)
def test_a_url_that_needs_no_change_is_passed_over(url: str) -> None:
    assert advise(url) is None


def test_the_advice_needs_no_advice() -> None:
    advice = advise(f"postgresql://alex:{SECRET}@{POOLED}/exits")
    assert advice is not None
    assert advise(advice.instead) is None


def test_a_malformed_url_is_one_sentence_without_any_part_of_it() -> None:
    with pytest.raises(ConfigurationError) as caught:
        advise(f"postgresql//alex:{SECRET}@{POOLED}/exits")
    assert SECRET not in str(caught.value)
