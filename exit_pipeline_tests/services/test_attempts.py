"""The next attempt of an exit: its id, its step, and what it replaces."""

import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from exit_pipeline.services.attempts import client_order_id

INSTALLATION = "6f0c1a52-5a43-4a1b-9d0f-0d5c3a5e9b11"
NAMES = st.text(min_size=1, max_size=255)
ENVIRONMENTS = st.sampled_from(["paper", "live", "tape", "simulated"])
ATTEMPTS = st.integers(min_value=1, max_value=9_999)
IDENTITIES = st.tuples(st.uuids().map(str), ENVIRONMENTS, NAMES, NAMES, ATTEMPTS)


@given(IDENTITIES)
def test_an_order_id_fits_the_narrowest_broker_and_is_always_the_same(
    identity: tuple[str, str, str, str, int],
) -> None:
    made = client_order_id(*identity)
    assert made == client_order_id(*identity)
    assert len(made) <= 48
    assert re.fullmatch(r"em-[a-z]+-[0-9a-f]{20}-[0-9]+", made)


@given(IDENTITIES, IDENTITIES)
def test_two_identities_never_share_an_order_id(
    one: tuple[str, str, str, str, int], other: tuple[str, str, str, str, int]
) -> None:
    # The separator can't be in a name that people give, so no two names join to one text.
    assume("\x1f" not in "".join(one[:4] + other[:4]))
    assert (client_order_id(*one) == client_order_id(*other)) is (one == other)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("installation", "0b8e3c7e-1df7-4b7f-8f8e-6f1f3f6c2d10"),
        ("environment", "live"),
        ("account", "desk-2"),
        ("position_id", "b"),
        ("attempt", 2),
    ],
)
def test_each_part_of_the_identity_makes_another_order_id(part: str, value: Any) -> None:
    usual: dict[str, Any] = {
        "installation": INSTALLATION,
        "environment": "paper",
        "account": "desk",
        "position_id": "a",
        "attempt": 1,
    }
    assert client_order_id(**usual | {part: value}) != client_order_id(**usual)


def test_the_id_says_environment_and_attempt() -> None:
    made = client_order_id(INSTALLATION, "tape", "desk", "a", 3)
    assert made.startswith("em-tape-")
    assert made.endswith("-3")
