"""The books checked from the UI, by the ticks themselves, and when ticks no longer come."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import dagster as dg
import pytest

from exit_pipeline.core.model.book_state import BookCheck
from exit_pipeline.defs.assets import ASSETS
from exit_pipeline.defs.book_checks import SPECS, book_checks
from exit_pipeline.defs.check_schedule import check_schedule
from exit_pipeline.defs.jobs import exit_job
from exit_pipeline.defs.launch import run_exit_job
from exit_pipeline.defs.ops import TICK_AT_TAG
from exit_pipeline.services.tick import TickReport
from exit_pipeline_tests.desk import CALL, MORNING, TUESDAY, Desk
from exit_pipeline_tests.fakes import new_york

UNKNOWN = "no_order_unknown_for_long"


@pytest.fixture
def desk(database_url: str) -> Desk:
    """A position whose stop has sent an order that does not fill."""
    desk = Desk(database_url)
    desk.hold("a", entry="4.00")
    desk.rows_changed("UPDATE refactored_positions SET created_at = '2026-03-17 09:55-04'")
    desk.stand_apart()
    desk.quote(CALL, "2.00", "2.10")
    return desk


@pytest.fixture
def kept(tmp_path: Any) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as found:
        yield found


def ticked(desk: Desk, on: dg.DagsterInstance, **config: Any) -> TickReport:
    desk.quote(CALL, "2.00", "2.10")
    return run_exit_job(config, desk.resources, on)


def plant_unknown(desk: Desk) -> str:
    """An order in doubt since the start, whatever looks at it."""
    desk.rows_changed(
        "SET LOCAL session_replication_role = replica;"
        " UPDATE orders SET status = 'UNKNOWN', intent_at = intent_at - interval '10 minutes'"
    )
    return str(desk.rows("SELECT client_order_id FROM orders")[0]["client_order_id"])


def evaluated(on: dg.DagsterInstance) -> dict[str, list[dg.AssetCheckEvaluation]]:
    """Evaluations of each check, the newest first."""
    found = {}
    for spec in SPECS:
        records = on.event_log_storage.get_asset_check_execution_history(spec.key, limit=50)
        found[spec.name] = [
            one.event.dagster_event.asset_check_evaluation_data  # type: ignore[union-attr]
            for one in records
        ]
    return found  # type: ignore[return-value]


def asked(desk: Desk, *checks: str) -> dict[str, dg.AssetCheckEvaluation]:
    """The checks as somebody executes them in the UI."""
    keys = [spec.key for spec in SPECS if spec.name in checks]
    selection = dg.AssetSelection.checks(*keys) if keys else dg.AssetSelection.checks(book_checks)
    job = dg.define_asset_job("asked", selection=selection)
    defs = dg.Definitions(
        assets=ASSETS, asset_checks=[book_checks], jobs=[job], resources=desk.resources
    )
    result = defs.resolve_job_def("asked").execute_in_process()
    return {one.check_name: one for one in result.get_asset_check_evaluations()}


def test_every_check_belongs_to_the_asset_that_it_is_about() -> None:
    assert {spec.name: spec.asset_key.to_user_string() for spec in SPECS} == {
        "every_order_has_a_decision": "orders",
        "every_exit_has_an_order": "decisions",
        "never_exited_above_held": "positions",
        "no_tick_gap": "decisions",
        "no_order_unknown_for_long": "orders",
    }
    assert [spec.name for spec in SPECS] == [check.value for check in BookCheck]


def test_a_sound_book_passes_all_of_them(desk: Desk, kept: dg.DagsterInstance) -> None:
    ticked(desk, kept)
    answers = asked(desk)
    assert {name: one.passed for name, one in answers.items()} == dict.fromkeys(
        [check.value for check in BookCheck], True
    )


def test_a_failed_check_is_red_and_names_the_row(desk: Desk, kept: dg.DagsterInstance) -> None:
    ticked(desk, kept)
    name = plant_unknown(desk)
    answers = asked(desk)
    assert [check for check, one in answers.items() if not one.passed] == [UNKNOWN]
    failed = answers[UNKNOWN]
    assert failed.severity is dg.AssetCheckSeverity.ERROR
    assert failed.metadata["faults"].value == 1
    (row,) = failed.metadata["rows"].records  # type: ignore[union-attr]
    assert row.data["which"] == name
    assert row.data["what"].startswith("a waits for it, which is UNKNOWN since 2026-03-17")
    assert (failed.description or "").startswith(f"{name}: a waits for it")


def test_one_of_them_can_be_asked_alone(desk: Desk, kept: dg.DagsterInstance) -> None:
    ticked(desk, kept)
    assert list(asked(desk, "no_tick_gap")) == ["no_tick_gap"]


def test_a_database_that_does_not_answer_is_one_sentence(desk: Desk) -> None:
    broken = Desk("postgresql://nobody@127.0.0.1:9/none")
    desk.database = broken.database
    with pytest.raises(dg.Failure, match=r"127\.0\.0\.1"):
        asked(desk)


def test_a_tick_by_hand_answers_all_of_them(desk: Desk, kept: dg.DagsterInstance) -> None:
    ticked(desk, kept)
    assert {name: len(found) for name, found in evaluated(kept).items()} == dict.fromkeys(
        [check.value for check in BookCheck], 1
    )


def test_a_dry_run_answers_none_since_it_may_stand_at_another_time(
    desk: Desk, kept: dg.DagsterInstance
) -> None:
    ticked(desk, kept, dry_run=True)
    assert not any(evaluated(kept).values())


def scheduled(desk: Desk, on: dg.DagsterInstance) -> None:
    """A tick of the schedule at the clock's time."""
    desk.quote(CALL, "3.99", "4.01")
    result = exit_job.execute_in_process(
        instance=on, resources=desk.resources, tags={TICK_AT_TAG: desk.clock.now().isoformat()}
    )
    assert result.success


def test_what_passes_is_written_every_quarter_of_an_hour(
    desk: Desk, kept: dg.DagsterInstance
) -> None:
    for minutes in range(0, 35, 5):
        desk.at(MORNING + timedelta(minutes=minutes))
        scheduled(desk, kept)
    assert [one.passed for one in evaluated(kept)["no_tick_gap"]] == [True] * 3


def test_what_fails_is_written_by_the_tick_that_finds_it_and_by_each_until_it_passes(
    desk: Desk, kept: dg.DagsterInstance
) -> None:
    scheduled(desk, kept)
    desk.later(12)
    for _ in range(2):
        scheduled(desk, kept)
        desk.later(1)
    history = evaluated(kept)
    assert [one.passed for one in history["no_tick_gap"]] == [False, False, True]
    assert [one.passed for one in history["no_order_unknown_for_long"]] == [True]


def looked(desk: Desk) -> Any:
    parts = {"calendar": desk.calendar, "clock": desk.clock, "database": desk.database}
    with dg.build_schedule_context(resources=parts) as context:
        return check_schedule(context)


def test_the_schedule_leaves_it_to_the_ticks_as_long_as_they_come(desk: Desk) -> None:
    desk.tick()
    desk.later(10)
    answer = looked(desk)
    assert isinstance(answer, dg.SkipReason)
    assert answer.skip_message == "ticks come, and each checks the books itself"


def test_the_schedule_checks_the_books_where_an_account_waits_for_its_tick(desk: Desk) -> None:
    desk.tick()
    desk.later(11)
    answer = looked(desk)
    assert isinstance(answer, dg.RunRequest)
    assert "no good tick for 11 minutes" in answer.tags["exit_pipeline/why"]


@pytest.mark.parametrize(
    "at",
    [
        pytest.param(new_york(TUESDAY, 16, 10), id="after the close"),
        pytest.param(new_york(date(2026, 3, 21), 12), id="a Saturday"),
    ],
)
def test_the_schedule_says_why_nothing_is_due(desk: Desk, at: Any) -> None:
    desk.at(at)
    answer = looked(desk)
    assert isinstance(answer, dg.SkipReason)
    assert "closed" in (answer.skip_message or "")
