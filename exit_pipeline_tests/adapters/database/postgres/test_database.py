"""The stores together: one database, and as many statements for many positions as for few."""

from decimal import Decimal

import pytest

from exit_pipeline.core.model.record import DecisionRows, PositionMark, RunStatus, RunSummary
from exit_pipeline.ports import Database
from exit_pipeline_tests.adapters.database.postgres.examples import NOON, position, start


def test_it_is_a_database_with_one_lasting_id_of_its_own(database):
    assert isinstance(database, Database)
    assert len(database.installation_id()) == 36
    assert database.installation_id() == database.installation_id()


def test_it_can_be_used_again_after_its_connections_were_closed(database):
    known = database.installation_id()
    database.dispose()
    assert database.installation_id() == known


@pytest.mark.parametrize("number", [1, 300])
def test_a_tick_takes_the_same_number_of_statements_whatever_the_number_of_positions(
    database, statements, number
):
    ids = [f"p{one}" for one in range(number)]
    database.positions.import_positions([position(one) for one in ids])
    (run_id,) = start(database)
    held = database.positions.open_positions("paper", ["demo"])
    columns = {"id": ids, "run_id": [run_id] * number, "position_id": ids}
    database.decisions.record(DecisionRows(columns=columns))
    database.orders.last_attempts(ids)
    marks = [
        PositionMark(
            position_id=one.id,
            mark=Decimal(1),
            mid=None,
            good_mark=None,
            gex_latched=False,
            marked_at=NOON,
        )
        for one in held
    ]
    database.positions.refresh(marks)
    database.runs.close("run-1", [RunSummary(run_id=run_id, status=RunStatus.SUCCEEDED)])
    assert len(held) == number
    assert len(statements) == 14
