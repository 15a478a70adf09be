"""The service over a socket: /health against a bare SELECT 1, a dry run against one in process."""

import logging
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread

import dagster as dg
import httpx
import uvicorn

from benchmarks.tick import at, keeping_instance, put_book, use_home
from exit_pipeline.adapters.clients.postgres_engine import run, shared_engine, transaction
from exit_pipeline.defs import resources as shells
from exit_pipeline.defs.launch import run_exit_job
from exit_pipeline.defs.one_run import OneRun
from exit_pipeline.settings import Settings
from exit_pipeline.web.app import make_app
from exit_pipeline.web.boundary import Rates
from exit_pipeline.web.briefly import Briefly
from exit_pipeline.web.desk import Desk, make_desk
from exit_pipeline.web.rates import Buckets, Rate
from exit_pipeline.web.server import config, listen

TOKEN = "x" * 32
ENVIRONMENT = "bench"
FREE = Rate(at_once=1_000_000, a_second=1_000_000)


@contextmanager
def service(desk: Desk) -> Iterator[httpx.Client]:
    """The service on a free port in a thread, and a client that keeps its connection."""
    rates = Rates(asking=Buckets(FREE), guessing=Buckets(FREE))
    server = uvicorn.Server(config(make_app(desk, TOKEN, rates)))
    on = listen("127.0.0.1", 0)
    thread = Thread(target=server.run, kwargs={"sockets": [on]})
    thread.start()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{on.getsockname()[1]}", headers=headers, timeout=600
        ) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


def in_turn(*works: Callable[[], object], times: int) -> list[float]:
    """The median seconds of each, taken in turn, so that a busy moment hits all alike."""
    took: list[list[float]] = [[] for _ in works]
    for _ in range(times):
        for index, work in enumerate(works):
            start = time.perf_counter()
            work()
            took[index].append(time.perf_counter() - start)
    return [sorted(one)[times // 2] for one in took]


def main(size: int = 200, times: int = 9, probes: int = 500) -> None:
    logging.getLogger("exit_pipeline").setLevel(logging.ERROR)
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        settings = Settings.from_env({"EXIT_PIPELINE_HOME": folder})
        use_home(Path(folder))
        put_book(settings, size, ENVIRONMENT)
        with keeping_instance() as on:
            _print(settings, on, size, times, probes)


def _print(settings: Settings, on: dg.DagsterInstance, size: int, times: int, probes: int) -> None:
    @contextmanager
    def opened() -> Iterator[dg.DagsterInstance]:
        yield on

    desk = make_desk(settings)
    desk.place = replace(desk.place, environment=ENVIRONMENT)
    desk.resources = lambda: at(settings, ENVIRONMENT)
    desk.runs = OneRun(desk.clock, opened)
    engine = shared_engine(shells.database_url(settings))

    def select_1() -> None:
        with transaction(engine) as connection:
            run(connection, "SELECT 1").scalar_one()

    def in_process() -> None:
        run_exit_job({"dry_run": True}, at(settings, ENVIRONMENT), on)

    with service(desk) as client:

        def over_http() -> None:
            answer = client.post("/refactored-exit-worker", params={"dry_run": "true"})
            assert answer.json()["processed"] == size, answer.text  # noqa: S101 or it measures nothing

        in_process()
        over_http()
        connection = HTTPConnection(client.base_url.host, client.base_url.port or 80)

        def probe() -> None:
            connection.request("GET", "/health")
            connection.getresponse().read()

        def anew() -> None:
            desk.glance = Briefly()
            probe()

        one, kept, made = in_turn(select_1, probe, anew, times=probes)
        alone, served = in_turn(in_process, over_http, times=times)
    print("the HTTP service, over a socket on this machine")
    print("  SELECT 1 in a transaction on its pool        1.00")
    print(f"  GET /health, asked within the same second    {kept / one:.2f}")
    print(f"  GET /health, made anew, once a second        {made / one:.2f}")
    print(f"  a dry run of {size} positions, in process        1.00")
    print(f"  the same by POST /refactored-exit-worker     {served / alone:.2f}")


if __name__ == "__main__":
    main()
