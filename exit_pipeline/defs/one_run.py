"""One run of the job at a time, and none beside one that works already."""

import logging
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any

import dagster as dg

from exit_pipeline.core.model.errors import ExitPipelineError, UnavailableError
from exit_pipeline.core.model.record import LEASE
from exit_pipeline.defs.launch import instance, run_exit_job
from exit_pipeline.defs.sweep import at_work
from exit_pipeline.ports import Clock
from exit_pipeline.services.tick import TickReport

log = logging.getLogger(__name__)


class BusyError(ExitPipelineError):
    """A run works already; nothing was done.

    Attributes:
        run_id: That run.
    """

    def __init__(self, run_id: str) -> None:
        super().__init__(f"run {run_id} works already; nothing was done, try again when it is done")
        self.run_id = run_id


@dataclass(frozen=True, slots=True)
class Turn:
    """The turn of one caller.

    Attributes:
        run_id: Of the run that it may make.
        on: The instance that keeps it.
    """

    run_id: str
    on: dg.DagsterInstance

    def run(self, config: Mapping[str, Any], resources: Mapping[str, Any]) -> TickReport:
        """Run the job; see ``run_exit_job``."""
        return run_exit_job(config, resources, self.on, self.run_id)


class OneRun:
    """Runs the job in this process, unless a run of it works, here or anywhere on the instance.

    Args:
        clock: Now.
        instance: Opens the instance that keeps the runs; it is opened when it is first needed.
    """

    def __init__(
        self,
        clock: Clock,
        instance: Callable[[], AbstractContextManager[dg.DagsterInstance]] = instance,
    ) -> None:
        self._clock = clock
        self._instance = instance
        self._opened: dg.DagsterInstance | None = None
        self._resources = ExitStack()
        self._guard = Lock()
        self._here: str | None = None

    @contextmanager
    def begin(self) -> Iterator[Turn]:
        """Take the turn, before anything of the run is prepared.

        Raises:
            BusyError: A run works already.
            UnavailableError: Dagster's storage does not answer.
        """
        run_id = str(uuid.uuid4())
        with self._guard:
            if self._here is not None:
                raise BusyError(self._here)
            self._here = run_id
        try:
            yield Turn(run_id, self._idle_instance())
        finally:
            self._here = None

    def close(self) -> None:
        """Let go of the instance."""
        self._resources.close()

    def _idle_instance(self) -> dg.DagsterInstance:
        """The instance, on which no run works.

        Raises:
            BusyError: One does.
            UnavailableError: It does not answer.
        """
        try:
            if self._opened is None:
                self._opened = self._resources.enter_context(self._instance())
            now = self._clock.now()
            # One that has worked for longer than any may is dead, and holds no account any more.
            working = [run_id for run_id, began in at_work(self._opened) if now - began <= LEASE]
        except ExitPipelineError:
            raise
        except Exception as error:  # its libraries raise errors of their own drivers
            log.warning("ExitWorker: Dagster's storage: %s", type(error).__name__)
            message = "Dagster's storage did not answer; nothing was done"
            raise UnavailableError(message) from error
        if working:
            raise BusyError(working[0])
        return self._opened
