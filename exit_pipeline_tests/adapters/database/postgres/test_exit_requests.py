"""Requests to close a position: kept whole, in force for a while, consumed once."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from exit_pipeline.core.model.exit_request import ExitRequest
from exit_pipeline_tests.adapters.database.postgres.examples import NOON, position, start

MINUTE = timedelta(minutes=1)
ONE = "00000000-0000-4000-8000-000000000001"
TWO = "00000000-0000-4000-8000-000000000002"


def request(request_id=ONE, position_id="p1", **other):
    values = {
        "reason": "the fund closes",
        "requested_by": "ann",
        "requested_at": NOON,
        "expires_at": NOON + 30 * MINUTE,
    }
    return ExitRequest(id=request_id, position_id=position_id, **values | other)


@pytest.fixture(autouse=True)
def _held(database):
    database.positions.import_positions([position(), position("p2")])


@pytest.mark.parametrize(
    ("minutes", "known"),
    [(-1, False), (0, True), (29, True), (30, False)],
    ids=["before", "at once", "until", "expired"],
)
def test_a_request_is_in_force_from_its_moment_until_it_expires(database, minutes, known):
    database.exit_requests.add([request()])
    at = NOON + minutes * MINUTE
    assert database.exit_requests.in_force(["p1", "p2"], at) == [request()] * known
    assert database.exit_requests.in_force(["p2"], at) == []


def test_a_request_is_consumed_once_and_stays_in_force(database, sql):
    first, second = start(database, accounts=("demo", "other"))
    database.exit_requests.add([request(), request(TWO)])
    assert database.exit_requests.consume({ONE: first}, NOON) == 1
    assert database.exit_requests.consume({ONE: second, TWO: second}, NOON + MINUTE) == 1
    assert sql(
        "SELECT CAST(consumed_by AS text) AS run, consumed_at AS at FROM exit_requests ORDER BY id"
    ) == [{"run": first, "at": NOON}, {"run": second, "at": NOON + MINUTE}]
    assert len(database.exit_requests.in_force(["p1"], NOON)) == 2


@pytest.mark.parametrize(
    ("wrong", "constraint"),
    [
        (request(TWO, reason="  "), "exit_requests_has_reason"),
        (request(TWO, expires_at=NOON), "exit_requests_expires_later"),
        (request(TWO, "nobody"), "exit_requests_position_id_fkey"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_one_that_must_not_be_leaves_none_of_them(database, sql, wrong, constraint):
    with pytest.raises(IntegrityError, match=constraint):
        database.exit_requests.add([request(), wrong])
    assert sql("SELECT 1 FROM exit_requests") == []


def test_a_request_is_never_consumed_by_nobody(database, sql):
    database.exit_requests.add([request()])
    with pytest.raises(IntegrityError, match="exit_requests_consumed_by_a_run"):
        sql("UPDATE exit_requests SET consumed_at = now()")
