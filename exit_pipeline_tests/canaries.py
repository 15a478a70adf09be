"""Secrets of the tests, and who looks whether one of them is shown.

Every secret that the tests give to the program is a canary: it may be in the environment and in
requests to a server, and nowhere else. While the suite runs, logs, sentences of errors, answers of
the HTTP service, and each database before it is dropped, are searched for them.
"""

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

import psycopg2
import pytest

from exit_pipeline.core.model.errors import ExitPipelineError

CANARIES: Final = {
    "ALPACA_API_KEY": "PKFAKEFAKEFAKEFAKE01",
    "ALPACA_SECRET_KEY": "fake-fake-fake-fake-fake-fake-fake-fake1",
    "ALPACA_DATA_KEY": "AKDATAKEY123456",
    "ALPACA_DATA_SECRET": "hushhushhushhushhush",
    "TRADIER_API_KEY": "canary-key-Zq81xVb7",
    "API_AUTH_TOKEN": "the-token-of-the-tests-0123456789abcdef",
}
"""By the name of the variable that would hold it."""

SEEN: Final[list[str]] = []
"""Where canaries were seen, since it was last emptied."""

_COLUMNS: Final = """
    SELECT format('SELECT %L, count(*) FROM %I.%I AS t WHERE t::text LIKE ANY (%%s)',
                  n.nspname || '.' || c.relname, n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND pg_relation_size(c.oid) > 0
"""


def look(text: str, where: str) -> None:
    """Note it where a text shows a canary."""
    SEEN.extend(f"{name} in {where}: {text[:300]}" for name, one in CANARIES.items() if one in text)


def tables_showing(url: str, canaries: list[str]) -> list[str]:
    """The tables of a database, Dagster's included, of which a row shows one of the canaries."""
    patterns = [f"%{one}%" for one in canaries]
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(_COLUMNS)
        queries = [row[0] for row in cursor.fetchall()]
        if not queries:
            return []
        cursor.execute(" UNION ALL ".join(queries), [patterns] * len(queries))
        return [name for name, count in cursor.fetchall() if count]


@contextmanager
def watched() -> Iterator[None]:
    """Look at every log and at every sentence of ours."""
    init, last_stop = ExitPipelineError.__init__, logging.Logger.callHandlers

    def told(self: ExitPipelineError, *args: Any) -> None:
        init(self, *args)
        look(str(self), type(self).__name__)

    # Not by a handler: whoever sets up logs of its own, such as the command serve, takes it away.
    def logged(self: logging.Logger, record: logging.LogRecord) -> None:
        look(logging.Formatter().format(record), f"the log {record.name}")
        last_stop(self, record)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ExitPipelineError, "__init__", told)
        patch.setattr(logging.Logger, "callHandlers", logged)
        yield
