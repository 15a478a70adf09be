"""Nothing that is written to a database holds a secret."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import Engine, text

from exit_pipeline.adapters.clients.masked_writes import mask_writes
from exit_pipeline.adapters.clients.postgres_engine import run, transaction
from exit_pipeline.redaction import MARK, install

CANARY = "canary-of-the-tests-0123456789"
NOON = datetime(2026, 3, 17, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _known() -> Iterator[None]:
    install({"SOME_SECRET": CANARY})
    mask_writes()
    yield
    install()


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        pytest.param(f"a {CANARY} b", f"a {MARK} b", id="a text"),
        pytest.param([CANARY, "x"], [MARK, "x"], id="a list of texts"),
        pytest.param(7, 7, id="a number"),
        pytest.param(Decimal("7.10"), Decimal("7.10"), id="a price"),
        pytest.param(NOON, NOON, id="a time"),
        pytest.param(None, None, id="nothing"),
    ],
)  # fmt: skip
def test_a_parameter_is_written_without_secrets(
    engine: Engine, value: object, kept: object
) -> None:
    with transaction(engine) as connection:
        assert run(connection, "SELECT :value AS one", value=value).scalar_one() == kept


def test_json_is_written_without_secrets_and_stays_json(engine: Engine) -> None:
    rows = json.dumps([{"said": f"\n{CANARY}\"'", "key": 1}])
    with transaction(engine) as connection:
        found = run(connection, "SELECT CAST(:rows AS jsonb)", rows=rows).scalar_one()
    assert found == [{"said": f"\n{MARK}\"'", "key": 1}]


def test_each_row_of_many_is_written_without_secrets(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TEMPORARY TABLE many (said text)"))
        rows = [{"said": CANARY}, {"said": "plain"}]
        connection.execute(text("INSERT INTO many VALUES (:said)"), rows)
        found = connection.execute(text("SELECT said FROM many ORDER BY said")).scalars()
        assert list(found) == [MARK, "plain"]
