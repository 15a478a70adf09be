"""Nothing that is written to a database holds a secret, whoever writes it.

The event log of Dagster tells of errors with their texts and stacks, of logs and of run config, and
our own tables hold the words of brokers and the reasons of failed runs. All of it goes through
SQLAlchemy, as text or as JSON, so this is the place to look at it.
"""

from functools import cache
from typing import Any

from sqlalchemy import Connection, Engine, event

from exit_pipeline.redaction import redact


@cache
def mask_writes() -> None:
    """From here on, take secrets out of the parameters of every statement of every engine.

    The statements of reads too: who looks for a secret finds nothing, since none is there.
    """
    event.listen(Engine, "before_cursor_execute", _mask, retval=True)


def _mask(
    connection: Connection,  # noqa: ARG001
    cursor: Any,  # noqa: ARG001
    statement: str,
    parameters: Any,
    context: Any,  # noqa: ARG001
    executemany: bool,  # noqa: ARG001, FBT001
) -> tuple[str, Any]:
    return statement, _masked(parameters)


def _masked(value: Any) -> Any:
    """A value without secrets; the very same one where it had none."""
    if isinstance(value, str):
        clean = redact(value)
        return value if clean == value else clean
    if isinstance(value, dict):
        changed = {key: new for key, one in value.items() if (new := _masked(one)) is not one}
        return {**value, **changed} if changed else value
    if type(value) in (list, tuple):
        cleaned = [_masked(one) for one in value]
        is_same = all(new is old for new, old in zip(cleaned, value, strict=True))
        return value if is_same else type(value)(cleaned)
    return value
