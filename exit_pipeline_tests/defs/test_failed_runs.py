"""Failed runs become alerts: each once, also those whose process could tell nobody."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from exit_pipeline.core.model.errors import InputError, UnavailableError
from exit_pipeline.core.model.record import Alert
from exit_pipeline.defs.failed_runs import FIRST_LOOK, failed_runs
from exit_pipeline.defs.jobs import exit_job
from exit_pipeline.defs.ops import TICK_AT_TAG


@pytest.fixture
def on() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def now() -> datetime:
    """Dagster notes its own time on runs."""
    return datetime.now(UTC)  # noqa: TID251


def failing(error: Exception) -> dg.JobDefinition:
    @dg.op
    def fails() -> None:
        raise error

    @dg.job
    def other_job() -> None:
        fails()

    return other_job


def run(on: dg.DagsterInstance, error: Exception) -> str:
    """A run that fails with an error; its id."""
    return failing(error).execute_in_process(instance=on, raise_on_error=False).run_id


def left_behind(on: dg.DagsterInstance, tags: dict[str, str] | None = None) -> str:
    """A run of the exit job that run monitoring has ended, since its process was gone."""
    made = on.create_run_for_job(exit_job, tags=tags, status=dg.DagsterRunStatus.STARTED)
    on.report_run_failed(made, message="the run worker was killed")
    return made.run_id


def looked(on: dg.DagsterInstance, cursor: str | None = None) -> tuple[list[Alert], str]:
    return failed_runs(on, cursor, now())


def test_nothing_has_failed(on: dg.DagsterInstance) -> None:
    assert looked(on)[0] == []


@pytest.mark.parametrize(
    ("tags", "severity"),
    [
        pytest.param({TICK_AT_TAG: "2026-03-17T14:00:00+00:00"}, "CRITICAL", id="scheduled"),
        pytest.param({}, "WARNING", id="launched by somebody who sees it"),
    ],
)
def test_a_run_of_the_exit_job_that_failed_is_an_alert_about_the_job(
    on: dg.DagsterInstance, tags: dict[str, str], severity: str
) -> None:
    run_id = left_behind(on, tags)
    ((alert,), _) = looked(on)
    assert (alert.severity, alert.cause, alert.subject) == (severity, "RUN_FAILED", "exit_job")
    assert alert.message == f"run {run_id} of exit_job failed: the run worker was killed"


@pytest.mark.parametrize(
    ("error", "why"),
    [
        pytest.param(UnavailableError("the server is down"), "the server is down", id="ours"),
        pytest.param(dg.Failure("as told"), "as told", id="a failure that an op tells"),
        pytest.param(
            ValueError("password=canary"),
            "an unexpected ValueError; its event log says more",
            id="one that nobody expected",
        ),
    ],
)
def test_a_run_of_another_job_is_a_warning_that_says_why(
    on: dg.DagsterInstance, error: Exception, why: str
) -> None:
    run_id = run(on, error)
    ((alert,), _) = looked(on)
    assert (alert.severity, alert.subject) == ("WARNING", "other_job")
    assert alert.message == f"run {run_id} of other_job failed: {why}"


def test_a_resource_that_cant_be_built_fails_a_run_in_one_sentence(on: dg.DagsterInstance) -> None:
    @dg.resource
    def part(_: dg.InitResourceContext) -> None:
        message = "EXIT_BROKER is 'x'; expected one of paper"
        raise InputError(message)

    @dg.op(required_resource_keys={"part"})
    def works() -> None:
        """Never begins."""

    @dg.job(resource_defs={"part": part})
    def other_job() -> None:
        works()

    other_job.execute_in_process(instance=on, raise_on_error=False)
    ((alert,), _) = looked(on)
    assert alert.message.endswith("failed: EXIT_BROKER is 'x'; expected one of paper")


def test_each_failure_is_found_once(on: dg.DagsterInstance) -> None:
    first = left_behind(on)
    found, cursor = looked(on)
    assert [first in one.message for one in found] == [True]
    found, cursor = looked(on, cursor)
    assert found == []
    second = left_behind(on)
    found, cursor = looked(on, cursor)
    assert [second in one.message for one in found] == [True]
    assert looked(on, cursor)[0] == []


def test_a_failure_that_was_written_late_is_found_all_the_same(on: dg.DagsterInstance) -> None:
    """Its time is before that of one that was seen: two processes wrote at the same time."""
    late = left_behind(on)
    newest = now() + timedelta(seconds=5)
    cursor = json.dumps({"newest": newest.isoformat(), "seen": ["another"]})
    ((alert,), after) = looked(on, cursor)
    assert late in alert.message
    assert looked(on, after)[0] == []


def test_the_first_look_does_not_dig_up_the_past(on: dg.DagsterInstance) -> None:
    left_behind(on)
    assert failed_runs(on, None, now() + FIRST_LOOK + timedelta(minutes=1))[0] == []


def test_without_a_failure_the_cursor_stays_in_the_past(on: dg.DagsterInstance) -> None:
    """It must not move to a time that a run which is being written may be before."""
    _, first = looked(on)
    _, second = looked(on, first)
    assert json.loads(first)["newest"] >= json.loads(second)["newest"]
    run_id = left_behind(on)
    assert [run_id in one.message for one in looked(on, second)[0]] == [True]


def test_more_failures_at_once_than_one_look_takes_hide_no_later_one(
    on: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: where a hundred runs failed within a minute, as those of a backfill do while the
    code server is away, each look found the same hundred again, and no failure was told any more.
    """
    monkeypatch.setattr("exit_pipeline.defs.failed_runs.MOST", 2)
    failed = [left_behind(on) for _ in range(5)]
    cursor: str | None = None
    told: list[str] = []
    for _ in range(4):
        alerts, cursor = looked(on, cursor)
        told += [one.message.split()[1] for one in alerts]
    assert told == failed
