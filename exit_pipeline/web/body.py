"""Bodies: small, read in time, and JSON that says what was expected or nothing."""

import asyncio
from collections.abc import AsyncIterable
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from exit_pipeline.web.exchange import HttpError

MOST_BYTES: Final = 16_384
"""Of a body. The largest one that anything here expects is a reason, far below."""

SECONDS: Final = 10.0
"""For which a body may take to arrive, so that slow callers keep no place for nothing."""

M = TypeVar("M", bound=BaseModel)


async def read_body(
    declared: str | None, chunks: AsyncIterable[bytes], seconds: float = SECONDS
) -> bytes:
    """Read a body to its end, or no further than it may be.

    Args:
        declared: The header Content-Length.
        chunks: The body as it arrives.
        seconds: For which it may take to arrive.

    Raises:
        HttpError: It is too large (413) or too slow (408).
    """
    # As many digits as a large number has are not even read as one.
    if declared and declared.isdecimal() and int(declared[:10]) > MOST_BYTES:
        raise _too_large()
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in chunks:
                body += chunk
                if len(body) > MOST_BYTES:
                    raise _too_large()
    except TimeoutError:
        sentence = f"the body did not arrive within {seconds:g} seconds"
        raise HttpError(408, sentence, headers={"connection": "close"}) from None
    return bytes(body)


def refuse_body(body: bytes) -> None:
    """Refuse what a body may have meant, where all is asked for in the query; ``{}`` means nothing.

    Raises:
        HttpError: It says something.
    """
    if body.strip() not in (b"", b"{}"):
        sentence = "the body says something, which is not read here; expected all in the query"
        raise HttpError(400, sentence)


def read_model(body: bytes, model: type[M]) -> M:
    """What a JSON body says; an empty one says nothing.

    Raises:
        HttpError: It is not JSON, or not what was expected.
    """
    try:
        return model.model_validate_json(body.strip() or b"{}", strict=True)
    except ValidationError as error:
        raise HttpError(400, _sentence(error, model)) from None


def _sentence(error: ValidationError, model: type[BaseModel]) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    expected = f"expected a JSON object with {', '.join(model.model_fields)}"
    if first["loc"]:
        return f"{'.'.join(map(str, first['loc']))} in the body: {first['msg']}; {expected}"[:300]
    return f"the body is not understood; {expected}"


def _too_large() -> HttpError:
    # What is left of it is not read, so the connection can't be used for anything else.
    sentence = f"the body is larger than {MOST_BYTES} bytes"
    return HttpError(413, sentence, headers={"connection": "close"})
