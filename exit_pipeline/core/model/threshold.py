"""Thresholds that may be switched off, or that have several parts."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BeforeValidator


def _read_none(value: Any) -> Any:
    """A policy is text, in which a threshold that is off is written ``none``."""
    is_none = isinstance(value, str) and value.strip().lower() == "none"
    return None if is_none else value


OptionalThreshold = Annotated[float | None, BeforeValidator(_read_none)]
"""A threshold of a rule that has several; None, in a policy ``none``, switches it off."""


def read_parts(value: Any, names: Iterable[str], least: int) -> Any:
    """Several values as a policy writes them: joined by ``|``, the parts of each by ``:``.

    Args:
        value: The text; what is no text is given back as it is.
        names: Of the parts, in order.
        least: So many parts each value must have.

    Raises:
        ValueError: A value has too few parts, or too many; the text says what was expected.

    Example: "100:25|150:25:50" with the names percent, close_share_percent and stop_percent is two
    values, the second one with all three parts.
    """
    if not isinstance(value, str):
        return value
    known = [*names]
    parts = [one.split(":") for one in value.split("|") if one.strip()]
    if any(not least <= len(part) <= len(known) for part in parts):
        message = f"values joined by |, each of the parts {':'.join(known).upper()}"
        raise ValueError(message)
    return [dict(zip(known, part, strict=False)) for part in parts]
