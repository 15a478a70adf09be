"""Parameters of a query, read without a guess: what is not understood is refused, never ignored."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.services.tick import parse_instant
from exit_pipeline.web.operation import Parameter

TRUE: Final = ("true", "1", "yes")
FALSE: Final = ("false", "0", "no")
LONGEST: Final = 255
"""Characters of a value; the database's longest key has as many."""

# A plus in a query stands for a space, so a zone that was not escaped has lost its sign.
_LOST_PLUS: Final = re.compile(r"(:\d\d(?:\.\d+)?) (\d\d:\d\d)$", re.ASCII)

Query = Mapping[str, Sequence[str]]


def check_query(
    pairs: Iterable[tuple[str, str]], parameters: Sequence[Parameter]
) -> dict[str, list[str]]:
    """The values by parameter, none of them unknown.

    A misspelt ``dryrun=true`` must not become a live run, nor may one of two values be chosen.

    Raises:
        InputError: A parameter is not known, is given twice, or has a value that can't be one.
    """
    known = {one.name: one for one in parameters}
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        if name not in known:
            expected = ", ".join(known) or "none"
            message = f"the query has {_show(name)}, which is not known; expected {expected}"
            raise InputError(message)
        if name in found and not known[name].many:
            message = f"{name} is given more than once; expected one value"
            raise InputError(message)
        if len(value) > LONGEST or not value.isprintable():
            expected = f"at most {LONGEST} characters that can be printed"
            message = f"{name} is {_show(value)}; expected {expected}"
            raise InputError(message)
        found.setdefault(name, []).append(value)
    return found


def read_boolean(query: Query, name: str) -> bool:
    """Whether a parameter is true; false where it is absent.

    Raises:
        InputError: It is present, and neither true, 1, yes nor false, 0, no, in any case.
    """
    if name not in query:
        return False
    (value,) = query[name]
    # ASCII only: other letters may become these when their case is changed.
    word = value.lower() if value.isascii() else ""
    if word in TRUE or word in FALSE:
        return word in TRUE
    message = f"{name} is {_show(value)}; expected one of {', '.join((*TRUE, *FALSE))}"
    raise InputError(message)


def read_number(query: Query, name: str, default: int, most: int) -> int:
    """A whole number from 1.

    Raises:
        InputError: It is none, or more than `most`.
    """
    if name not in query:
        return default
    (value,) = query[name]
    if value.isascii() and value.isdecimal() and len(value) < 10 and 1 <= int(value) <= most:
        return int(value)
    message = f"{name} is {_show(value)}; expected a whole number from 1 to {most}"
    raise InputError(message)


def read_text(query: Query, name: str) -> str | None:
    """A text; None where it is absent.

    Raises:
        InputError: It is present and empty.
    """
    if name not in query:
        return None
    (value,) = query[name]
    if value.strip():
        return value
    message = f"{name} is {value!r}; expected a value, or leave it out"
    raise InputError(message)


def read_instant(query: Query, name: str) -> datetime | None:
    """An ISO 8601 moment with a time zone; None where it is absent.

    Raises:
        InputError: It is none.
    """
    if name not in query:
        return None
    (value,) = query[name]
    return parse_instant(name, _LOST_PLUS.sub(r"\1+\2", value))


def _show(value: str) -> str:
    """A value that somebody gave, short and on one line."""
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
