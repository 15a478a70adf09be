"""A whole sample day with every rule on: each decision that was stored is made again alike."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from exit_pipeline.adapters.clients.postgres_engine import make_engine
from exit_pipeline.adapters.database.postgres.kept import INPUTS
from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.engine.policy import rule_classes
from exit_pipeline.core.engine.stored_outcome import stored_outcome
from exit_pipeline.core.engine.stored_policy import policy_from_json
from exit_pipeline.core.model.kept_decision import OUTCOMES, SHADOW_OUTCOMES
from exit_pipeline.core.model.stored_book import book_of_stored
from exit_pipeline.defs.launch import run_exit_job
from exit_pipeline.defs.past_day import take_in
from exit_pipeline.defs.resources import make_calendar, open_database, resources
from exit_pipeline.policies import shipped_policies
from exit_pipeline.sample import BOOK, GEX_SIGNALS, SAMPLE_DAY
from exit_pipeline.services.audit import audit_days
from exit_pipeline.services.audit_report import AuditRequest
from exit_pipeline.services.compare_shadows import compare_shadows
from exit_pipeline.services.open_tick import CODE_VERSION
from exit_pipeline.services.what_if import what_if
from exit_pipeline.services.what_if_facts import changes_of, facts_of_policy
from exit_pipeline.services.what_if_request import WhatIfRequest
from exit_pipeline.settings import Settings
from exit_pipeline_tests.fakes import new_york

EVERY_RULE = ", ".join(f"{name}=on" for name in rule_classes())
CONFIRMED = "stop_loss.required_hits=2, profit_target.required_hits=3, gex_flip.required_hits=2"
HALF_HOUR = timedelta(minutes=30)

REAL = "SELECT d.*, CAST(p.policy AS text) AS policy FROM refactored_decisions d JOIN policies p"
REAL += " ON p.hash = d.policy_hash ORDER BY d.policy_hash, d.id"
OWN = ", ".join(f"s.{name} AS own_{name}" for name in ("rule_hits", "gex_latched"))
SHADOW = f"""
    SELECT d.*, {OWN}, {", ".join(f"s.{name} AS made_{name}" for name in SHADOW_OUTCOMES)},
           s.name, CAST(p.policy AS text) AS policy
    FROM shadow_decisions s JOIN refactored_decisions d USING (run_id, position_id)
    JOIN policies p ON p.hash = s.policy_hash ORDER BY s.policy_hash, s.id
"""


@pytest.fixture
def kept(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Reads rows of a database on which the sample's day was worked every half hour."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("EXIT_SHADOW_POLICIES", f"every={EVERY_RULE}, {CONFIRMED}; long_premium")
    settings = Settings.from_env()
    take_in(settings, BOOK, GEX_SIGNALS, environment="simulated")
    at = new_york(SAMPLE_DAY, 10)
    with dg.DagsterInstance.ephemeral() as on:
        while at < new_york(SAMPLE_DAY, 16):
            shells = resources(settings, at=at.isoformat(), environment="simulated")
            run_exit_job({"policy": f"{EVERY_RULE}, {CONFIRMED}"}, shells, on)
            at += HALF_HOUR
    engine = make_engine(database_url)

    def read(query: str) -> list[dict[str, Any]]:
        with engine.connect() as connection:
            return [dict(row) for row in connection.exec_driver_sql(query).mappings()]

    yield read
    engine.dispose()


def made_again(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """The outcome of rows of one policy."""
    (text,) = {row["policy"] for row in rows}
    policy = policy_from_json(text)
    book = book_of_stored({name: [row[name] for row in rows] for name in INPUTS})
    return stored_outcome(decide(book, [policy]), [policy], book.policy.tolist())


@pytest.mark.filterwarnings("ignore::DeprecationWarning:dagster")
def test_every_decision_of_a_day_is_made_again_alike_also_of_shadows(kept: Any) -> None:
    real = kept(REAL)
    assert len(real) > 50
    assert len({row["exit_reason"] for row in real}) > 3
    assert any(row["rule_hits"] for row in real)
    again = made_again(real)
    for name in OUTCOMES:
        assert again[name] == [row[name] for row in real], name

    shadows = kept(SHADOW)
    assert len(shadows) == 2 * len(real)
    for shadow in ("every", "long_premium"):
        rows = [row for row in shadows if row["name"] == shadow]
        own = [
            row | {"rule_hits": row["own_rule_hits"], "gex_latched": row["own_gex_latched"]}
            for row in rows
        ]
        again = made_again(own)
        for name in SHADOW_OUTCOMES:
            assert again[name] == [row[f"made_{name}"] for row in rows], name


@pytest.mark.filterwarnings("ignore::DeprecationWarning:dagster")
def test_a_day_is_audited_without_a_difference_and_none_looks_ahead(kept: Any) -> None:
    request = AuditRequest(first=SAMPLE_DAY, last=SAMPLE_DAY, with_reasoning=True)
    database = open_database(Settings.from_env())
    report = audit_days(request, database=database, calendar=make_calendar())
    assert report.decisions == len(kept("SELECT id FROM refactored_decisions")) > 50
    assert (report.columns, report.ahead, report.left_out) == ({}, [], {})
    assert report.code_versions == {CODE_VERSION: report.decisions}


@pytest.mark.filterwarnings("ignore::DeprecationWarning:dagster")
@pytest.mark.usefixtures("kept")
def test_the_policy_that_was_followed_leaves_all_as_it_left_and_so_does_its_shadow() -> None:
    span = {"first": SAMPLE_DAY, "last": SAMPLE_DAY}
    known = {"database": open_database(Settings.from_env()), "calendar": make_calendar()}
    asked = WhatIfRequest(**span, changes=["expiry=on"])
    found = what_if(asked, **known, library=shipped_policies()).tried
    shadows = compare_shadows(WhatIfRequest(**span, policies=["every"]), **known).tried
    for one in (*found, *shadows):
        changes = changes_of(one)
        assert changes["kept"] > 20
        assert {name for name, count in changes.items() if count} <= {"kept", "open"}
        assert not facts_of_policy(one)["difference"]["total"]
