"""Run the job in this process, and say in one sentence what went wrong if it did."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

from exit_pipeline.core.model import errors
from exit_pipeline.core.model.errors import ExitPipelineError, InputError
from exit_pipeline.defs.jobs import exit_job
from exit_pipeline.redaction import redact
from exit_pipeline.services.tick import TickReport

_OURS = tuple(f"{errors.__name__}.{name}: " for name in vars(errors) if name.endswith("Error"))


class RunFailedError(ExitPipelineError):
    """A run that failed.

    Attributes:
        run_id: The run.
        is_told: Its text is a sentence for a person; else it is that of an error which nobody
            expected, and may show what is inside.
    """

    def __init__(self, text: str, run_id: str, *, is_told: bool) -> None:
        super().__init__(redact(text))
        self.run_id = run_id
        self.is_told = is_told


@contextmanager
def instance() -> Iterator[dg.DagsterInstance]:
    """The instance of ``DAGSTER_HOME``, else of ``./dagster.yaml``, else one that keeps nothing."""
    if os.environ.get("DAGSTER_HOME"):
        found = dg.DagsterInstance.get()
    elif Path("dagster.yaml").exists():
        found = dg.DagsterInstance.from_config(str(Path.cwd()))
    else:
        found = dg.DagsterInstance.ephemeral()
    with found:
        yield found


@contextmanager
def built(shells: Mapping[str, Any]) -> Iterator[Any]:
    """Resources outside a run, as attributes by their keys.

    Raises:
        ExitPipelineError: One of them can't be built; the text says why.
    """
    with _unwrapped(), dg.build_resources(dict(shells)) as parts:
        yield parts


def run_exit_job(
    config: Mapping[str, Any],
    resources: Mapping[str, Any],
    on: dg.DagsterInstance,
    run_id: str | None = None,
) -> TickReport:
    """Run ``exit_job`` once.

    Args:
        config: The launch form.
        resources: By key, see ``defs/resources.py``.
        on: The instance that keeps the run.
        run_id: The run's id; None makes one.

    Raises:
        InputError: The launch form has a value that it can't have; there was no run.
        RunFailedError: The run failed; the text says why.
    """
    try:
        with _unwrapped():
            result = exit_job.execute_in_process(
                run_config=dict(config),
                resources=dict(resources),
                instance=on,
                raise_on_error=False,
                run_id=run_id,
            )
    except dg.DagsterInvalidConfigError as error:
        raise InputError(_config_sentence(error)) from None
    if not result.success:
        text, is_told = _failure(result)
        raise RunFailedError(text, result.run_id, is_told=is_told)
    report: TickReport = result.output_for_node("persist")
    return report


@contextmanager
def _unwrapped() -> Iterator[None]:
    """Take a person's mistake out of the error that Dagster wraps it in."""
    try:
        yield
    except dg.DagsterError as error:
        if isinstance(error.__cause__, ExitPipelineError):
            raise error.__cause__ from None
        raise


def _config_sentence(error: dg.DagsterInvalidConfigError) -> str:
    first = error.errors[0]
    return redact("run config: " + " ".join(first.message.split()))


def _failure(result: dg.ExecuteInProcessResult) -> tuple[str, bool]:
    """The text of the first failure, and whether it is a sentence for a person."""
    for event in result.all_events:
        data: Any = event.event_specific_data
        if event.is_step_failure and data.user_failure_data:
            return str(data.user_failure_data.description), True
        if event.is_failure and getattr(data, "error", None):
            return _innermost(data.error)
    return "the run failed; its event log says why", True


def _innermost(error: SerializableErrorInfo) -> tuple[str, bool]:
    chain = [error]
    while chain[-1].cause:
        chain.append(chain[-1].cause)
    for link in chain:
        for prefix in _OURS:
            if link.message.startswith(prefix):
                return link.message.removeprefix(prefix).strip(), True
    return chain[-1].message.strip(), False
