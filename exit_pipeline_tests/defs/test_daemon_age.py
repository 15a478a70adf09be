"""How long ago the daemon showed itself, on an instance of the test's own."""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg
import pytest
from dagster._daemon.types import DaemonHeartbeat

from exit_pipeline.defs.daemon_age import daemon_age
from exit_pipeline_tests.desk import MORNING


@pytest.fixture
def on() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        yield instance


def beat(on: dg.DagsterInstance, part: str, age: timedelta) -> None:
    at = (MORNING - age).timestamp()
    on.add_daemon_heartbeat(DaemonHeartbeat(at, part, daemon_id="one", errors=[]))


def test_a_daemon_that_never_showed_itself_has_no_age(on: dg.DagsterInstance) -> None:
    assert daemon_age(on, MORNING) is None


def test_one_part_that_never_showed_itself_is_as_good_as_none(on: dg.DagsterInstance) -> None:
    *others, _ = on.get_required_daemon_types()
    for part in others:
        beat(on, part, timedelta(seconds=10))
    assert others
    assert daemon_age(on, MORNING) is None


def test_it_is_as_old_as_its_most_silent_part(on: dg.DagsterInstance) -> None:
    for seconds, part in enumerate(on.get_required_daemon_types(), start=10):
        beat(on, part, timedelta(seconds=seconds))
    oldest = 10 + len(on.get_required_daemon_types()) - 1
    assert daemon_age(on, MORNING) == timedelta(seconds=oldest)
