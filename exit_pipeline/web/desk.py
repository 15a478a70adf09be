"""What the service works with, opened when it is first needed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Any

from exit_pipeline.defs.one_run import OneRun
from exit_pipeline.defs.resources import (
    environment_of,
    make_calendar,
    make_clock,
    newest_migration,
    open_database,
    resources,
)
from exit_pipeline.ports import Calendar, Clock, Database
from exit_pipeline.services.health import Health, Place
from exit_pipeline.settings import Settings
from exit_pipeline.web.briefly import Briefly


@dataclass(kw_only=True)
class Desk:
    """The parts that requests are answered from.

    Attributes:
        open_database: Opens the project's database; tried again by the next request where it fails.
        resources: Makes the resources of one run, by key.
        calendar: The exchange's sessions.
        clock: Now.
        place: The configured broker, its environment, and the expected schema.
        runs: Runs the job, one at a time.
        glance: How every part stood a moment ago.
    """

    open_database: Callable[[], Database]
    resources: Callable[[], Mapping[str, Any]]
    calendar: Calendar
    clock: Clock
    place: Place
    runs: OneRun
    glance: Briefly[Health] = field(default_factory=Briefly)

    def __post_init__(self) -> None:
        self._opening = Lock()
        self._database: Database | None = None

    def database(self) -> Database:
        """The project's database, kept once it was opened.

        Raises:
            UnavailableError: It does not answer.
            ConfigurationError: Migrations are pending.
        """
        with self._opening:
            if self._database is None:
                self._database = self.open_database()
            return self._database


def make_desk(settings: Settings) -> Desk:
    """The desk of one process, with every part as it is configured."""
    clock = make_clock()
    return Desk(
        open_database=partial(open_database, settings),
        resources=partial(resources, settings),
        calendar=make_calendar(),
        clock=clock,
        place=Place(
            broker=settings.broker,
            environment=environment_of(settings),
            schema=newest_migration(),
        ),
        runs=OneRun(clock),
    )
