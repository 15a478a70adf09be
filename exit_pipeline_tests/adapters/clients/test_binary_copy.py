"""PostgreSQL's binary COPY as columns, both ways."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pytest
from sqlalchemy.exc import ProgrammingError

from exit_pipeline.adapters.clients import binary_rows as wire
from exit_pipeline.adapters.clients.binary_copy import HEADER, TRAILER, CopiedRows
from exit_pipeline.adapters.clients.postgres_copy import copy_in, copy_out
from exit_pipeline.adapters.clients.postgres_engine import transaction
from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.core.model.price import UNKNOWN

LEAST = int(np.iinfo(np.int64).min)


@pytest.fixture
def copied(engine):
    """Reads a query."""

    def read(query, fixed, others=(), **values):
        sink = CopiedRows(fixed, others)
        with transaction(engine) as connection:
            copy_out(connection, query, sink, **values)
        return sink.read()

    return read


def test_columns_of_each_width_are_read(copied):
    rows = copied(
        "SELECT n::int8, -n::int4, n::int2, n / 8.0::float8, mod(n, 2) = 1, x.t FROM"
        " generate_series(1, 1000) AS n, LATERAL (SELECT CASE WHEN mod(n, 3) > 0 THEN repeat('é',"
        " mod(n, 5)) END AS t) x ORDER BY 1",
        {"eight": ">i8", "four": ">i4", "two": ">i2", "float": ">f8", "flag": "u1"},
        ["text"],
    )
    n = np.arange(1, 1001)
    for name, kind, expected in (
        ("eight", np.int64, n), ("four", np.int32, -n), ("two", np.int16, n),
        ("float", np.float64, n / 8), ("flag", np.bool_, n % 2 == 1),
    ):  # fmt: skip
        found = rows.number(name, kind)
        assert found.dtype == kind
        np.testing.assert_array_equal(found, expected)
    texts = ["é" * (one % 5) if one % 3 else "" for one in n.tolist()]
    assert [one.decode() for one in rows.text("text").tolist()] == texts


def test_a_time_is_read_to_the_microsecond_and_none_is_the_least_integer(copied):
    rows = copied(
        "SELECT coalesce(at, '-infinity') FROM (VALUES (timestamptz '1999-12-31 23:59:59.999999Z'),"
        " (NULL), ('2026-03-16 14:00Z')) AS t(at)",
        {"at": ">i8"},
    )
    assert rows.micros("at").tolist() == [946_684_799_999_999, LEAST, 1_773_669_600_000_000]


def test_arrays_of_several_lengths_are_rows_of_a_matrix(copied):
    rows = copied(
        "SELECT 1::int2, a FROM (VALUES ('{1,2,3}'::int2[]), (NULL), ('{}'), ('{9}'),"
        " ('{4,5,6}')) AS t(a)",
        {"one": ">i2"},
        ["hits"],
    )
    assert rows.small_arrays("hits", 4).tolist() == [
        [1, 2, 3, 0], [0] * 4, [0] * 4, [9, 0, 0, 0], [4, 5, 6, 0],
    ]  # fmt: skip
    assert rows.small_arrays("hits", 2).tolist() == [[1, 2], [0, 0], [0, 0], [9, 0], [4, 5]]


def test_long_texts_are_read_one_by_one(copied):
    rows = copied(
        "SELECT 1::int2, t FROM (VALUES ('ä'), (NULL), ('')) AS t(t)", {"n": ">i2"}, ["t"]
    )
    assert rows.texts("t") == ["ä".encode(), None, b""]


def test_no_rows_are_no_rows(copied):
    rows = copied("SELECT 1::int8, 'x' LIMIT 0", {"n": ">i8"}, ["t"])
    assert (len(rows.number("n", np.int64)), len(rows.text("t")), rows.texts("t")) == (0, 0, [])
    assert rows.small_arrays("t", 3).shape == (0, 3)


def test_a_parameter_is_never_part_of_the_statement(copied):
    rows = copied("SELECT 1::int2, %(said)s::text", {"n": ">i2"}, ["t"], said="'; DROP TABLE x; --")
    assert rows.text("t").tolist() == [b"'; DROP TABLE x; --"]


@pytest.mark.parametrize(
    "query",
    ["SELECT NULL::int8, 'x'", "SELECT 1::int4, 'x'", "SELECT 1::int8, 'x', 'y'"],
    ids=["a NULL", "another width", "one column more"],
)
def test_what_is_not_as_wide_as_was_said_is_a_mistake_of_the_program(copied, query):
    with pytest.raises(ValueError, match="a copied row has another"):
        copied(query, {"n": ">i8"}, ["t"])


def test_the_header_and_the_end_may_come_in_messages_of_their_own():
    sink = CopiedRows({"n": ">i2"}, [])
    row = b"\x00\x01\x00\x00\x00\x02\x00\x07"
    for message in (HEADER + row, row, TRAILER):
        sink.write(message)
    assert sink.read().number("n", np.int64).tolist() == [7, 7]


def test_an_error_of_the_server_is_told_as_of_any_other_statement(engine, copied):
    with pytest.raises(ProgrammingError):
        copied("SELECT nonsense()", {"n": ">i8"})
    late = pytest.raises(UnavailableError, match="canceling statement due to statement timeout")
    with late, transaction(engine) as connection:
        connection.exec_driver_sql("SET LOCAL statement_timeout = '10ms'")
        copy_out(connection, "SELECT pg_sleep(30)", io.BytesIO())


TABLE = """
    CREATE TABLE kept (number integer, day date, at timestamptz, name text, id uuid,
                       price numeric(14, 4), share float8, count integer, flag boolean, said jsonb)
"""


def test_what_is_written_is_read_back(engine, sql):
    sql(TABLE)
    rows = 4
    columns = [
        wire.day((date(2026, 3, 16) - date(1970, 1, 1)).days, rows),
        wire.instants(np.array([1_773_669_600_000_000, UNKNOWN, 0, 1_773_669_600_000_003])),
        wire.text(np.array(["ä".encode(), b"", b"longer than it", b"x"]), empty_is_null=True),
        wire.raw(np.array([bytes(range(16))] * rows, "V16")),
        wire.dollars(np.array([12_500, UNKNOWN, -1, 0])),
        wire.numbers(np.array([1.5, np.nan, -0.0, 1e-300]), ">f8", np.array([1, 0, 1, 1], bool)),
        wire.numbers(np.arange(1, 5), ">i4", np.array([True] * 4)),
        wire.numbers(np.array([1, 2, 3, 4]), ">i4", np.array([True, True, False, True])),
        wire.flags(np.array([True, False, True, False])),
        wire.json([b'{"a": "\xc3\xa4"}', b"", b"[]", b""]),
    ]
    target = "kept (day, at, name, id, price, share, number, count, flag, said)"
    with transaction(engine) as connection:
        copy_in(connection, target, wire.encode(columns, rows))
    kept = sql("SELECT * FROM kept ORDER BY number")
    assert [row["day"] for row in kept] == [date(2026, 3, 16)] * rows
    assert [row["at"] for row in kept] == [
        datetime(2026, 3, 16, 14, tzinfo=UTC), None, datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2026, 3, 16, 14, 0, 0, 3, tzinfo=UTC),
    ]  # fmt: skip
    assert [row["name"] for row in kept] == ["ä", None, "longer than it", "x"]
    assert {str(row["id"]) for row in kept} == {"00010203-0405-0607-0809-0a0b0c0d0e0f"}
    assert [row["price"] for row in kept] == [
        Decimal("1.2500"), None, Decimal("-0.0001"), Decimal("0.0000"),
    ]  # fmt: skip
    assert [row["share"] for row in kept] == [1.5, None, 0.0, 1e-300]
    assert [row["count"] for row in kept] == [1, 2, None, 4]
    assert [row["flag"] for row in kept] == [True, False, True, False]
    assert [row["said"] for row in kept] == [{"a": "ä"}, None, [], None]


def test_rows_that_the_table_refuses_are_an_error(engine, sql):
    sql("CREATE TABLE kept (n integer CHECK (n > 0))")
    rows = wire.encode([wire.numbers(np.array([0]), ">i4", np.array([True]))], 1)
    with pytest.raises(Exception, match="kept_n_check"), transaction(engine) as connection:
        copy_in(connection, "kept (n)", rows)
    assert sql("SELECT * FROM kept") == []
