"""Errors without secrets."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from exit_pipeline.redaction.texts import redact

_OF_SYSTEM: Final = ("strerror", "filename", "filename2")


class UnsaidError(Exception):
    """Stands for an error whose own text would show a secret and can't be changed."""


def scrub(error: BaseException) -> BaseException:
    """The same error without secrets, with all that it was raised from; changed in place.

    Its causes, contexts, notes, the members of a group, and errors that it carries are changed as
    well. Where a text can't be changed, since it is made of something else, an ``UnsaidError``
    stands for the error and says the same without secrets; it has no cause.
    """
    links = _chain(error)
    for link in links:
        _scrub_parts(link)
    if not any(_shows(link) for link in links):
        return error
    stand_in = UnsaidError(f"{type(error).__name__}: {redact(_said(error))}")
    return stand_in.with_traceback(error.__traceback__)


@contextmanager
def scrubbed() -> Iterator[None]:
    """Whatever error leaves the context goes on its way without secrets; see ``scrub``."""
    try:
        yield
    except Exception as error:
        clean = scrub(error)
        if clean is error:
            raise
        raise clean from None


def _shows(error: BaseException) -> bool:
    said = _said(error)
    return redact(said) != said


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # an error that can't be told is no reason for another
        return ""


def _chain(error: BaseException) -> list[BaseException]:
    """An error and all that is told with it, each once."""
    found: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and not any(one is other for other in found):
            found.append(one)
            waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
            waiting += vars(one).values()
    return found


def _scrub_parts(error: BaseException) -> None:
    error.args = tuple(_clean(one) for one in error.args)
    parts = dict(vars(error))
    if isinstance(error, OSError):
        parts |= {name: getattr(error, name) for name in _OF_SYSTEM}
    for name, value in parts.items():
        clean = _clean(value)
        if clean is not value:
            try:
                setattr(error, name, clean)
            except (AttributeError, TypeError):
                continue  # whether it shows is asked of the error as a whole


def _clean(value: Any) -> Any:
    """A value without secrets; the very same one where it had none."""
    if isinstance(value, str):
        clean = redact(value)
        return value if clean == value else clean
    if type(value) not in (list, tuple):
        return value
    cleaned = [_clean(one) for one in value]
    is_same = all(new is old for new, old in zip(cleaned, value, strict=True))
    return value if is_same else type(value)(cleaned)
