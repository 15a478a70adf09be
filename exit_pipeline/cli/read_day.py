"""Days as people write them."""

from datetime import date, datetime

from exit_pipeline.core.model.errors import InputError


def read_day(option: str, text: str) -> date:
    """Read a day that was given as an option.

    Raises:
        InputError: It is none.
    """
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 a date has no zone
    except ValueError as error:
        message = f"{option} is {text!r}; expected a date such as 2026-03-16"
        raise InputError(message) from error
