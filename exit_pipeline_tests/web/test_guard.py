"""Who may ask."""

import hmac

import pytest

from exit_pipeline.web.exchange import HttpError
from exit_pipeline.web.guard import Guard

TOKEN = "0123456789abcdef0123456789abcdef"  # noqa: S105 of no service


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_token_lets_a_caller_through(scheme: str) -> None:
    Guard(TOKEN).check([f"{scheme} {TOKEN}"])


@pytest.mark.parametrize(
    "given",
    [
        [],
        [""],
        ["Bearer"],
        ["Bearer "],
        [TOKEN],
        [f"Basic {TOKEN}"],
        [f"Bearer{TOKEN}"],
        [f"Bearer {TOKEN[:-1]}"],
        [f"Bearer {TOKEN}x"],
        [f"Bearer {TOKEN.upper()}"],
        [f"Bearer {TOKEN} {TOKEN}"],
        ["Bearer \xff\xe9"],
        [f"Bearer {TOKEN}", f"Bearer {TOKEN}"],
    ],
    ids=str,
)
def test_nothing_else_does_and_no_part_of_it_is_told(given: list[str]) -> None:
    with pytest.raises(HttpError) as refused:
        Guard(TOKEN).check(given)
    assert refused.value.status == 401
    assert TOKEN[:8] not in refused.value.sentence
    assert refused.value.headers["www-authenticate"].startswith("Bearer")


def test_guesses_of_any_length_are_compared_in_constant_time_as_digests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[int, int]] = []

    constant_time = hmac.compare_digest

    def compare(left: bytes, right: bytes) -> bool:
        seen.append((len(left), len(right)))
        return constant_time(left, right)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    for guess in ("", "x", TOKEN, "y" * 10_000):
        try:
            Guard(TOKEN).check([f"Basic {guess}"])
        except HttpError:
            continue
    assert seen == [(32, 32)] * 4


def test_the_token_itself_is_not_kept() -> None:
    assert TOKEN.encode() not in b"".join(vars(Guard(TOKEN)).values())
