"""Who looks for the suite's secrets finds them: else the whole suite would prove nothing."""

import logging
from contextlib import closing

import psycopg2
import pytest

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.redaction import install
from exit_pipeline_tests.canaries import CANARIES, SEEN, look, tables_showing
from exit_pipeline_tests.tampering import TAMPER

CANARY = CANARIES["TRADIER_API_KEY"]


@pytest.mark.parametrize("handlers", [None, []], ids=["as logs are", "without handlers"])
def test_a_canary_in_a_log_an_error_or_an_answer_is_seen(
    monkeypatch: pytest.MonkeyPatch, handlers: list[logging.Handler] | None
) -> None:
    if handlers is not None:
        monkeypatch.setattr(logging.getLogger(), "handlers", handlers)
    install({})
    try:
        logging.getLogger("a.library").warning("a %s b", CANARY)
        InputError(CANARY)
        look(f"said {CANARY}", "an answer")
        seen = [one.partition(":")[0] for one in SEEN]
    finally:
        SEEN.clear()
        install()
    assert seen == [
        "TRADIER_API_KEY in the log a.library",
        "TRADIER_API_KEY in InputError",
        "TRADIER_API_KEY in an answer",
    ]


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        (
            "INSERT INTO policies (hash, policy) VALUES ('x', jsonb_build_object('a', %s))",
            "policies",
        ),
        (
            "INSERT INTO alerts (severity, cause, subject, message) VALUES ('INFO', 'a', 'b', %s)",
            "alerts",
        ),
    ],
    ids=["JSON", "a text"],
)
def test_a_canary_in_any_column_of_a_database_is_seen(
    empty_database_url: str, database_url: str, statement: str, table: str
) -> None:
    assert tables_showing(empty_database_url, [CANARY]) == []
    assert tables_showing(database_url, [CANARY]) == []
    # Past the program, which would write it without the canary.
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement, [f"a {CANARY} b"])
        connection.commit()
        assert tables_showing(database_url, [CANARY]) == [f"public.{table}"]
        cursor.execute(f"{TAMPER}DELETE FROM {table}")
        connection.commit()
