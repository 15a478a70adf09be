"""Bodies: small, in time, and understood."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import BaseModel, ConfigDict, Field

from exit_pipeline.web.body import MOST_BYTES, read_body, read_model, refuse_body
from exit_pipeline.web.exchange import HttpError


class Said(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: str = Field(default="", max_length=5)
    count: int = 0


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def never() -> AsyncIterator[bytes]:
    await asyncio.Event().wait()
    yield b""


def read(declared: str | None, parts: AsyncIterator[bytes], seconds: float = 60) -> bytes:
    return asyncio.run(read_body(declared, parts, seconds))


def test_a_body_is_read_to_its_end() -> None:
    assert read("4", chunks(b"ab", b"", b"cd")) == b"abcd"
    assert read(None, chunks(b"x" * MOST_BYTES)) == b"x" * MOST_BYTES


@pytest.mark.parametrize(
    ("declared", "parts"),
    [
        (str(MOST_BYTES + 1), ()),
        ("9" * 5_000, ()),
        (None, (b"x" * MOST_BYTES, b"x")),
        ("1", (b"x" * (MOST_BYTES + 1),)),
    ],
    ids=["declared", "absurd", "in chunks", "declared too small"],
)
def test_a_body_that_is_too_large_is_refused(
    declared: str | None, parts: tuple[bytes, ...]
) -> None:
    with pytest.raises(HttpError, match=f"larger than {MOST_BYTES} bytes") as refused:
        read(declared, chunks(*parts))
    assert refused.value.status == 413


def test_a_body_that_does_not_arrive_is_not_waited_for() -> None:
    with pytest.raises(HttpError, match="did not arrive within 0 seconds") as refused:
        read(None, never(), seconds=0)
    assert refused.value.status == 408


@pytest.mark.parametrize("body", [b"", b" ", b"{}", b"\n{}\n"])
def test_a_body_that_says_nothing_is_let_through(body: bytes) -> None:
    refuse_body(body)
    assert read_model(body, Said) == Said()


@pytest.mark.parametrize("body", [b"{ }", b"null", b"0", b'{"dry_run":true}'])
def test_a_body_that_may_say_something_is_refused_where_none_is_read(body: bytes) -> None:
    with pytest.raises(HttpError, match="expected all in the query"):
        refuse_body(body)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "the body is not understood; expected a JSON object with reason, count"),
        (b"[]", "the body is not understood; expected a JSON object with reason, count"),
        (b"null", "the body is not understood"),
        (b"\xff\xfe", "the body is not understood"),
        (b'{"reason": 5}', "reason in the body: Input should be a valid string"),
        (b'{"count": "5"}', "count in the body: Input should be a valid integer"),
        (b'{"reason": "toolong"}', "reason in the body: String should have at most 5"),
        (b'{"raeson": "x"}', "raeson in the body: Extra inputs are not permitted"),
    ],
)
def test_what_is_not_expected_is_one_sentence(body: bytes, said: str) -> None:
    with pytest.raises(HttpError) as refused:
        read_model(body, Said)
    assert refused.value.status == 400
    assert refused.value.sentence.startswith(said)
