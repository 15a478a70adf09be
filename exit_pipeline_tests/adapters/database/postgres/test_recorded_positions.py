"""Recorded decisions position by position, and what shadow policies decided on them."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from exit_pipeline.core.model.decision import Urgency
from exit_pipeline.core.model.outcome_columns import NOT_STORED
from exit_pipeline.core.model.recorded import RecordedPosition, RecordedRange
from exit_pipeline.core.model.shadow import ShadowDecision
from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.adapters.database.postgres.test_replays import DAY
from exit_pipeline_tests.core.model.test_stored_book import assert_same_book
from exit_pipeline_tests.recorded import MONDAY, POLICIES, a_recorded_book, at_ticks, record

TICKS = [MONDAY + number * timedelta(minutes=5) for number in range(3)]
# By bytes, as C sorts: capitals before small letters, and what is no ASCII last.
POSITIONS = ["b", "B", "a", "é"]


@pytest.fixture
def book(database):
    """Four positions at three ticks."""
    book = at_ticks(a_recorded_book(12, policies=len(POLICIES)), TICKS)
    record(database, book, POLICIES, positions=POSITIONS * 3)
    return book


def read(database, *positions, asked=DAY):
    return database.replays.recorded_of(asked, positions)


@pytest.mark.usefixtures("book")
def test_positions_are_told_with_their_decisions_and_contracts(database, sql, tamper):
    tamper("UPDATE refactored_decisions SET position_id = NULL WHERE position_id = 'b'")
    sql(
        "INSERT INTO refactored_positions (id, symbol, option_symbol, direction, quantity,"
        " entry_price, entry_time, status) VALUES ('a', 'ACME', 'ACME260320C00750000', 'CALL', 4,"
        " 2, '2026-03-16 15:00+00', 'OPEN')"
    )
    found = database.replays.positions(DAY)
    assert {(one.id, one.decisions, one.symbol) for one in found} == {
        ("B", 3, None), ("a", 3, "ACME260320C00750000"), ("é", 3, None), ("", 3, None)
    }  # fmt: skip
    assert [one.id for one in found if one.id] == ["B", "a", "é"]
    only = replace(DAY, start=TICKS[1], end=TICKS[2])
    assert RecordedPosition(id="B", decisions=1, symbol=None) in database.replays.positions(only)
    assert database.replays.positions(replace(DAY, dry_run=True)) == []


def test_decisions_come_by_position_and_time(database, book):
    found = read(database, "é", "B")
    assert [one.decode() for one in found.positions.tolist()] == ["B"] * 3 + ["é"] * 3
    rows = np.array([1, 5, 9, 3, 7, 11])
    hashes = [found.policies[index].hash for index in found.book.policy.tolist()]
    policies = [parse_policy(text) for text in POLICIES]
    assert hashes == [policies[index].hash for index in book.policy[rows].tolist()]
    same = replace(found.book, policy=book.policy[rows])
    assert_same_book(same, book.take(rows))


@pytest.mark.usefixtures("book")
def test_only_what_is_asked_for_is_read(database):
    assert len(read(database)) == len(read(database, "nobody")) == 0
    assert len(read(database, "a", asked=replace(DAY, start=TICKS[1]))) == 2
    assert len(read(database, "a", asked=replace(DAY, environment="live"))) == 0
    assert len(read(database, "a", asked=replace(DAY, environment="paper", mode="live"))) == 3


@pytest.mark.usefixtures("book")
def test_what_no_run_decided_is_no_dry_run(database, sql):
    sql("INSERT INTO refactored_decisions (id, decision_type, decision, decided_at, position_id)"
        f" VALUES ('u', 'ENTRY', 'ENTER', '{MONDAY}', 'a')")  # fmt: skip
    for dry_run, own in ((None, 1), (False, 1), (True, 0)):
        found = read(database, "a", asked=replace(DAY, dry_run=dry_run))
        assert sum(found.left_out.values()) == own


def shadow(database, sql, name, text, position, **outcome):
    policy = parse_policy(text)
    database.decisions.keep_policies({policy.hash: policy.canonical_json()})
    rows = sql("SELECT id, run_id, decided_at FROM refactored_decisions"
               f" WHERE position_id = '{position}' ORDER BY decided_at")  # fmt: skip
    usual = {"decision": "HOLD", "exit_reason": None, "exit_action": None, "exit_quantity": None,
             "urgency": None}  # fmt: skip
    database.shadow_decisions.record([
        ShadowDecision(
            run_id=str(row["run_id"]), position_id=position, name=name, dry_run=False,
            decided_at=row["decided_at"], policy_hash=policy.hash, rule_hits=None,
            gex_latched=False, fired_mask=0, evaluable_mask=0, gex_latched_after=False,
            rule_hits_after=None, **usual | outcome,
        )
        for row in rows
    ])  # fmt: skip
    return [row["id"] for row in rows]


@pytest.mark.usefixtures("book")
def test_what_shadow_policies_decided_comes_beside_its_decisions(database, sql):
    left = {"decision": "EXIT", "exit_reason": "STOP_LOSS", "exit_action": "FULL",
            "exit_quantity": 3, "urgency": "FAST"}  # fmt: skip
    of_b = shadow(database, sql, "tight", "stop_loss.percent=10", "b", **left)
    of_a = shadow(database, sql, "tight", "stop_loss.percent=10", "a")
    also = shadow(database, sql, "Loose", "default", "a")
    shadow(database, sql, "tight", "stop_loss.percent=10", "é", **left)
    found = database.replays.shadows_of(DAY, ["a", "b"])
    assert found.names == ["Loose", "tight"]
    assert found.name.tolist() == [0] * 3 + [1] * 6
    assert [one.decode() for one in found.beside.tolist()] == also + of_a + of_b
    assert [found.policies[index].hash for index in found.policy.tolist()] == [
        *[parse_policy().hash] * 3, *[parse_policy("stop_loss.percent=10").hash] * 6
    ]  # fmt: skip
    assert found.exit_quantity.tolist() == [0] * 6 + [3] * 3
    assert found.exit_reason.tolist() == [b""] * 6 + [b"STOP_LOSS"] * 3
    assert found.urgency.tolist() == [NOT_STORED] * 6 + [Urgency.FAST] * 3


@pytest.mark.usefixtures("book")
def test_without_shadow_policies_there_is_nothing_beside(database):
    found = database.replays.shadows_of(DAY, ["a", "b"])
    assert (len(found), found.names, found.policies) == (0, [], ())
    later = RecordedRange(start=DAY.end, end=DAY.end + timedelta(days=1))
    assert len(database.replays.shadows_of(later, ["a"])) == 0
