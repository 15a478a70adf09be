"""The active rows of the users' thresholds, as they are written."""

import pytest

INSERT = (
    "INSERT INTO exit_rules (id, mode, active, stop_loss_percent, max_days_in_trade)"
    " VALUES (CAST(:id AS uuid), :mode, :active, :stop, :days)"
)


def key(number):
    return f"00000000-0000-0000-0000-00000000000{number}"


@pytest.fixture
def row(sql):
    """Writes one row."""

    def write(number, mode="PAPER", *, active=True, stop="25.50", days=None):
        sql(INSERT, id=key(number), mode=mode, active=active, stop=stop, days=days)

    return write


def test_only_the_active_rows_of_the_mode_are_told(database, row):
    row(3)
    row(1, "paper")
    row(2, "LIVE")
    row(4, active=False)
    assert [one.id for one in database.exit_rules.active("PAPER")] == [key(1), key(3)]
    assert [one.id for one in database.exit_rules.active("LIVE")] == [key(2)]


def test_a_table_without_rows_has_no_active_one(database):
    assert database.exit_rules.active("PAPER") == []


def test_values_are_told_as_the_database_writes_them_and_none_where_there_is_none(database, row):
    row(1, days=10)
    (found,) = database.exit_rules.active("PAPER")
    assert found.columns["stop_loss_percent"] == "25.50"
    assert found.columns["max_days_in_trade"] == "10"
    assert found.columns["profit_target_percent"] is None


@pytest.mark.parametrize(
    ("lacks", "found"), [("theta_decay_threshold", 1), ("active", 0)], ids=["another", "active"]
)
def test_a_table_that_users_came_with_may_lack_columns(database, row, sql, lacks, found):
    row(1)
    sql(f"ALTER TABLE exit_rules DROP COLUMN {lacks}")
    rows = database.exit_rules.active("PAPER")
    assert len(rows) == found
    assert not any(lacks in one.columns for one in rows)


def test_the_rows_are_read_by_one_statement(database, statements):
    database.exit_rules.active("PAPER")
    assert len(statements) == 1
