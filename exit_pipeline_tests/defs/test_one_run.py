"""One run of the job at a time, and none beside one that works already."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, timedelta

import dagster as dg
import pytest

from exit_pipeline.core.model.errors import ConfigurationError, ExitPipelineError, UnavailableError
from exit_pipeline.core.model.record import LEASE
from exit_pipeline.defs.jobs import exit_job
from exit_pipeline.defs.one_run import BusyError, OneRun
from exit_pipeline_tests.desk import MORNING
from exit_pipeline_tests.fakes import FixedClock


class Opened:
    """An instance that counts how often it is opened and closed."""

    def __init__(self) -> None:
        self.opened = self.closed = 0
        self.fault: Exception | None = None

    @contextmanager
    def __call__(self) -> Iterator[dg.DagsterInstance]:
        if self.fault is not None:
            raise self.fault
        self.opened += 1
        with dg.DagsterInstance.ephemeral() as found:
            yield found
        self.closed += 1


@pytest.fixture
def instance() -> Opened:
    return Opened()


@pytest.fixture
def runs(instance: Opened) -> Iterator[OneRun]:
    found = OneRun(FixedClock(MORNING), instance)
    yield found
    found.close()


def test_while_one_has_the_turn_others_are_told_its_run(runs: OneRun) -> None:
    with runs.begin() as turn:
        for _ in range(2):
            with pytest.raises(BusyError) as refused, runs.begin():
                pass
            assert refused.value.run_id == turn.run_id
            assert turn.run_id in str(refused.value)
    with runs.begin() as another:
        assert another.run_id != turn.run_id


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_turn_ends_however_it_ends(runs: OneRun, error: type[BaseException]) -> None:
    with pytest.raises(error), runs.begin():
        raise error
    with runs.begin():
        pass


def test_the_instance_is_opened_once_when_it_is_first_needed_and_closed_once(
    instance: Opened,
) -> None:
    runs = OneRun(FixedClock(MORNING), instance)
    assert instance.opened == 0
    for _ in range(3):
        with runs.begin():
            pass
    assert (instance.opened, instance.closed) == (1, 0)
    runs.close()
    assert instance.closed == 1


@pytest.mark.parametrize(
    ("status", "is_in_the_way"),
    [
        (dg.DagsterRunStatus.STARTING, True),
        (dg.DagsterRunStatus.STARTED, True),
        (dg.DagsterRunStatus.CANCELING, True),
        (dg.DagsterRunStatus.NOT_STARTED, False),
        (dg.DagsterRunStatus.SUCCESS, False),
        (dg.DagsterRunStatus.FAILURE, False),
    ],
    ids=lambda value: getattr(value, "value", ""),
)
def test_a_run_at_work_elsewhere_is_in_the_way_until_it_must_be_dead(
    instance: Opened, status: dg.DagsterRunStatus, is_in_the_way: bool
) -> None:
    clock = FixedClock(MORNING)
    runs = OneRun(clock, instance)
    with runs.begin() as turn:
        on = turn.on
    run = on.create_run_for_job(exit_job, status=status, tags=exit_job.tags)
    (record,) = on.get_run_records()
    clock.at = record.create_timestamp.astimezone(UTC) + LEASE
    if is_in_the_way:
        with pytest.raises(BusyError) as refused, runs.begin():
            pass
        assert refused.value.run_id == run.run_id
        clock.at += timedelta(seconds=1)
    with runs.begin():
        pass
    runs.close()


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (OSError("connection refused by host:5432"), UnavailableError),
        (ConfigurationError("DAGSTER_POSTGRES_URL is malformed"), ConfigurationError),
    ],
    ids=["a driver's error", "a setting"],
)
def test_a_storage_that_does_not_answer_is_one_sentence_and_is_tried_again(
    runs: OneRun, instance: Opened, fault: Exception, kind: type[ExitPipelineError]
) -> None:
    instance.fault = fault
    with pytest.raises(kind) as refused, runs.begin():
        pass
    assert "5432" not in str(refused.value)
    instance.fault = None
    with runs.begin():
        pass
