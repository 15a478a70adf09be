"""The stack of ``exit-pipeline ui`` in processes of its own, to be killed and started again."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any, Final

import httpx
import psutil

_ENDED: Final = frozenset({"SUCCESS", "FAILURE", "CANCELED"})
_WAITS: Final = 600
"""Looks, a fifth of a second apart, before a stack counts as stuck: far more than a busy machine
needs, and no measure of anything."""

_LAUNCH: Final = """
    mutation($config: RunConfigData!, $job: String!) {
      launchRun(executionParams: {runConfigData: $config, selector: {
          jobName: $job, repositoryName: "__repository__",
          repositoryLocationName: "exit_pipeline.definitions"}}) {
        __typename ... on LaunchRunSuccess { run { runId } }
        ... on PythonError { message }
      }
    }"""
_REEXECUTE: Final = """
    mutation($run: String!) {
      launchRunReexecution(reexecutionParams: {parentRunId: $run, strategy: FROM_FAILURE}) {
        __typename ... on LaunchRunSuccess { run { runId } }
        ... on PythonError { message }
      }
    }"""


class Stack:
    """Webserver, daemon and code server over a folder and a database.

    Args:
        folder: For the instance.
        environ: Settings of the project.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._root = Path(__file__).parents[2]
        self._folder = folder
        self._environ = {**os.environ, "PYTHONPATH": str(self._root), "DAGSTER_HOME": str(folder)}
        self._environ |= environ
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        shutil.copy(self._root / "dagster.yaml", folder)

    @property
    def said(self) -> str:
        """What all of it has printed so far."""
        return (self._folder / "said").read_text()

    def start(self) -> None:
        """Start all of it and wait until jobs can be launched."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        with (self._folder / "said").open("ab") as said:
            program = "from exit_pipeline.cli import main; main()"
            self._process = subprocess.Popen(
                [sys.executable, "-c", program, "ui", "--port", str(self._port)],
                cwd=self._folder,
                env=self._environ,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        self._until(self._is_up, "the stack is not up")

    def kill(self) -> None:
        """Kill every process of it at once, as a machine that loses power does."""
        assert self._process is not None
        first = psutil.Process(self._process.pid)
        everyone = [first, *first.children(recursive=True)]
        # Nobody is to see another one die and act on it.
        for signal in (psutil.Process.suspend, psutil.Process.kill):
            for one in everyone:
                with suppress(psutil.NoSuchProcess):
                    signal(one)
        psutil.wait_procs(everyone)
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        """Kill it if it runs."""
        if self._process is not None:
            self.kill()

    def launch(self, **config: Any) -> str:
        """Launch ``exit_job``; the run's id."""
        answer = self._ask(_LAUNCH, config=json.dumps(config), job="exit_job")["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return str(answer["run"]["runId"])

    def execute_again(self, run_id: str) -> str:
        """Re-execute a run from its failure; how that ends, or why it is refused."""
        answer = self._ask(_REEXECUTE, run=run_id)["launchRunReexecution"]
        if answer["__typename"] != "LaunchRunSuccess":
            return str(answer)
        return self.ended(str(answer["run"]["runId"]))

    def status(self, run_id: str) -> str:
        """Dagster's word for how a run stands."""
        query = "query($run: ID!) { runOrError(runId: $run) { ... on Run { status } } }"
        return str(self._ask(query, run=run_id)["runOrError"]["status"])

    def ended(self, run_id: str) -> str:
        """Wait until a run has ended; how."""
        self._until(lambda: self.status(run_id) in _ENDED, f"run {run_id} does not end")
        return self.status(run_id)

    def _is_up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.said
        query = "{ repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }"
        try:
            return bool(self._ask(query)["repositoriesOrError"].get("nodes"))
        except httpx.HTTPError:
            return False

    def _ask(self, query: str, **variables: Any) -> Any:
        url = f"http://127.0.0.1:{self._port}/graphql"
        body = {"query": query, "variables": variables}
        return httpx.post(url, json=body, timeout=60, trust_env=False).json()["data"]

    def _until(self, is_so: Any, otherwise: str) -> None:
        pause = Event()
        for _ in range(_WAITS):
            if is_so():
                return
            pause.wait(0.2)
        message = f"{otherwise}: {self.said}"
        raise AssertionError(message)
