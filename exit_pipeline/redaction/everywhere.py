"""Where the texts of any library come by, and are filtered."""

import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping
from functools import cache
from types import TracebackType
from typing import Any

from exit_pipeline.redaction.errors import scrub
from exit_pipeline.redaction.texts import Redactor, redact, use


def install(environ: Mapping[str, str] | None = None) -> None:
    """Read the secrets of the environment, and keep them out of every log and last word.

    It filters what any logger of the process makes, whoever's it is and whatever handlers it has or
    will get. May be called as often as wanted, and anew when the environment has changed.

    Args:
        environ: By default the environment of the process.
    """
    use(Redactor(os.environ if environ is None else environ))
    _hook()


@cache
def _hook() -> None:
    logging.setLogRecordFactory(_filtered(logging.getLogRecordFactory()))
    sys.excepthook = _last_word(sys.excepthook)
    threading.excepthook = _last_word_of_thread(threading.excepthook)


def _filtered(make: Callable[..., logging.LogRecord]) -> Callable[..., logging.LogRecord]:
    def record(*args: Any, **kwargs: Any) -> logging.LogRecord:
        made = make(*args, **kwargs)
        _filter(made)
        return made

    return record


def _filter(record: logging.LogRecord) -> None:
    """Take the secrets out of a record's message, error and stack."""
    try:
        said = record.getMessage()
    except Exception:  # its arguments don't fit: logging tells of that, and of all of them
        said = repr((record.msg, record.args))
    clean = redact(said)
    if clean != said:
        record.msg, record.args = clean, ()
    if record.exc_info and record.exc_info[1] is not None:
        error = scrub(record.exc_info[1])
        record.exc_info = (type(error), error, record.exc_info[2])
    if record.stack_info:
        record.stack_info = redact(record.stack_info)


def _last_word(
    tell: Callable[[type[BaseException], BaseException, TracebackType | None], Any],
) -> Callable[[type[BaseException], BaseException, TracebackType | None], Any]:
    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        clean = scrub(error)
        tell(kind if clean is error else type(clean), clean, trace)

    return hook


def _last_word_of_thread(
    tell: Callable[[threading.ExceptHookArgs], Any],
) -> Callable[[threading.ExceptHookArgs], Any]:
    def hook(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            clean = scrub(args.exc_value)
            args = threading.ExceptHookArgs((type(clean), clean, args.exc_traceback, args.thread))
        tell(args)

    return hook
