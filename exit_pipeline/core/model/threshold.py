"""Thresholds that may be switched off."""

from typing import Annotated, Any

from pydantic import BeforeValidator


def _read_none(value: Any) -> Any:
    """A policy is text, in which a threshold that is off is written ``none``."""
    is_none = isinstance(value, str) and value.strip().lower() == "none"
    return None if is_none else value


OptionalThreshold = Annotated[float | None, BeforeValidator(_read_none)]
"""A threshold of a rule that has several; None, in a policy ``none``, switches it off."""
