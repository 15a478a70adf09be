"""Shadow policies of past ticks beside what was done."""

import json
from collections import Counter
from datetime import date
from decimal import Decimal

import pytest

from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.engine.stored_outcome import stored_outcome
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.instant import to_datetime
from exit_pipeline.core.model.kept_decision import SHADOW_OUTCOMES
from exit_pipeline.core.model.shadow import ShadowDecision
from exit_pipeline.policies import parse_policy, shipped_policies
from exit_pipeline.services.compare_shadows import compare_shadows
from exit_pipeline.services.what_if import what_if
from exit_pipeline.services.what_if_facts import facts_of, rows_of
from exit_pipeline.services.what_if_report import HELD
from exit_pipeline.services.what_if_request import WhatIfRequest
from exit_pipeline_tests.core.replay.test_ten_rows import BOOK
from exit_pipeline_tests.fakes import FakeCalendar
from exit_pipeline_tests.recorded import record
from exit_pipeline_tests.tampering import TAMPER

FIRST, LAST = date(2026, 3, 18), date(2026, 3, 19)
POSITIONS = ["A"] * 7 + ["B"] * 3
OTHER = "profit_target.percent=40, stop_loss.percent=20"


@pytest.fixture
def database(database):
    record(database, BOOK, positions=POSITIONS)
    return database


@pytest.fixture
def shadow(database, engine):
    """Decides the ten rows, or some of them, by a shadow policy, and records that."""

    def decided(name, text, rows=range(10)):
        policy = parse_policy(text)
        database.decisions.keep_policies({policy.hash: policy.canonical_json()})
        outcome = stored_outcome(decide(BOOK, [policy]), [policy], [0] * 10)
        with engine.connect() as connection:
            found = connection.exec_driver_sql(
                "SELECT position_id, decided_at, run_id FROM refactored_decisions"
            )
            runs = {(row[0], row[1]): str(row[2]) for row in found}
        times = [to_datetime(at) for at in BOOK.decided_at.tolist()]
        database.shadow_decisions.record([
            ShadowDecision(
                run_id=runs[POSITIONS[row], times[row]], position_id=POSITIONS[row], name=name,
                decided_at=times[row], dry_run=False, policy_hash=policy.hash, rule_hits=None,
                gex_latched=False, **{column: outcome[column][row] for column in SHADOW_OUTCOMES},
            )
            for row in rows
        ])  # fmt: skip

    return decided


def compared(database, *names, **other):
    request = WhatIfRequest(**{"first": FIRST, "last": LAST, "policies": names} | other)
    return compare_shadows(request, database=database, calendar=FakeCalendar())


def test_a_shadow_policy_is_compared_as_the_same_policy_is_tried(database, shadow):
    shadow("other", OTHER)
    report = compared(database)
    assert (report.decisions, report.positions, report.left_out) == (10, 2, Counter())
    (one,) = facts_of(report)["policies"]
    request = WhatIfRequest(first=FIRST, last=LAST, policies=[OTHER])
    (same,) = facts_of(
        what_if(request, database=database, calendar=FakeCalendar(), library=shipped_policies())
    )["policies"]
    assert one["label"] == "other"
    assert one | {"label": ""} == same | {"label": ""}
    assert one["difference"]["total"] == Decimal("24.33")


def test_each_shadow_policy_has_its_own_figures(database, shadow):
    shadow("other", OTHER)
    shadow("same", "default")
    shadow("never", "stop_loss=off, profit_target=off")
    report = compared(database)
    found = {one["label"]: one for one in facts_of(report)["policies"]}
    assert list(found) == ["never", "other", "same"]
    assert found["same"]["contracts"]["kept"] == 10
    assert found["same"]["difference"]["total"] == 0
    assert found["never"]["contracts"]["dropped"] == 10
    assert [one.policy.label for one in compared(database, "same").tried] == ["same"]
    for chunk in (1, 8):
        assert facts_of(compared(database, chunk=chunk)) == facts_of(report)


def test_a_shadow_policy_is_compared_only_where_it_decided(database, shadow):
    # From 10:10 to 10:20 on A alone, with nothing at 10:15.
    shadow("late", OTHER, [2, 4])
    report = compared(database)
    (row,) = rows_of(report)
    assert row["position_id"] == "A"
    assert (row["since"].minute, row["until"].minute) == (10, 20)
    # Told at 10:10 by its target of +40 %, and at 10:20 by its stop.
    assert row["policy_exits"] == "5 PROFIT_TARGET at 3.04, 5 STOP_LOSS at 1.57"
    assert row["baseline_exits"] == f"5 PROFIT_TARGET at 3.04, 5 {HELD} at 1.57"
    assert "late has no decision at 1 ticks on positions, where it closes nothing." in report.notes


def test_a_name_that_stood_for_several_policies_is_told_of(database, shadow):
    shadow("other", OTHER, range(7))
    shadow("other", "default", range(7, 10))
    report = compared(database)
    (one,) = report.tried
    assert (one.policy.name, one.policy.hash) == (None, None)
    assert "other stood for 2 policies in this time." in report.notes
    assert [row["policy_exits"] for row in rows_of(report)] == [
        "5 PROFIT_TARGET at 2.84, 5 STOP_LOSS at 1.57", f"2 {HELD} at 1.26"
    ]  # fmt: skip


def test_a_shadow_policy_of_a_newer_version_is_counted(database, shadow, engine):
    shadow("other", OTHER)
    shadow("same", "default")
    policy = parse_policy(OTHER)
    content = json.loads(policy.canonical_json())
    content["rules"][0]["rule"] = "crystal_ball"
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"{TAMPER}UPDATE policies SET policy = %(policy)s WHERE hash = %(hash)s",
            {"policy": json.dumps(content), "hash": policy.hash},
        )
    report = compared(database)
    assert [one.policy.label for one in report.tried] == ["same"]
    (reason,) = report.left_out
    assert reason.startswith("of shadow policy other: a stored policy has the rule 'crystal_ball'")
    assert report.left_out[reason] == 10


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "no decision of a shadow policy is recorded from 2026-03-18 to 2026-03-19"),
        ({"policies": ["lucky"]}, "no decision of a shadow policy 'lucky' is recorded from"),
        ({"first": date(2026, 5, 1), "last": date(2026, 5, 2)}, "no decision is recorded from"),
        ({"dry_run": True}, "no decision is recorded from 2026-03-18 to 2026-03-19 (dry runs)"),
    ],
    ids=["none", "unknown", "nothing", "dry runs"],
)
def test_what_can_t_be_compared_is_said_in_one_sentence(database, asked, said):
    with pytest.raises(InputError) as refused:
        compared(database, **asked)
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(
    ("limits", "exits"),
    [
        ("", "10 DAYS_IN_TRADE at 2.19"),
        # Every quote is a second old: under these limits none can be sold at.
        (", quotes.age_seconds_max=0.4, quotes.usable_age_seconds_max=0.5", f"10 {HELD} at -"),
    ],
    ids=["as recorded", "its own"],
)
def test_a_shadow_s_own_quote_limits_say_where_its_order_had_a_price(
    database, shadow, limits, exits
):
    shadow("old", f"days_in_trade.days=1{limits}")
    assert next(rows_of(compared(database)))["policy_exits"] == exits
