"""What the order protocol adds to a tick that sends nothing: the same tick with and without it."""

import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from unittest.mock import patch

import dagster as dg

from benchmarks.tick import count_statements, keeping_instance, put_book, run, use_home
from exit_pipeline.services import open_tick, submit
from exit_pipeline.services.reconcile import Reconciled
from exit_pipeline.settings import Settings


@contextmanager
def without_the_protocol() -> Iterator[None]:
    """The tick as a program has it that looks at no orders, holdings, switch or requests."""
    with (
        patch.object(open_tick, "reconcile", lambda *_, **__: Reconciled()),
        patch.object(open_tick, "_asked_to_close", lambda *_, **__: ()),
        patch.object(open_tick, "_halt", lambda *_, **__: None),
        patch.object(submit, "_working", lambda *_, **__: {}),
    ):
        yield


def main(size: int = 50, pairs: int = 25) -> None:
    logging.getLogger("exit_pipeline").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        settings = Settings.from_env({"EXIT_PIPELINE_HOME": folder})
        use_home(Path(folder))
        put_book(settings, size, "protocol")
        with keeping_instance() as on:
            run(settings, "protocol", 0, on)
            with without_the_protocol():
                fewer = count_statements(settings, "protocol", 1)
            more = count_statements(settings, "protocol", 2)
            bare, whole = _in_turn(settings, pairs, on)
    added = median(w / b for w, b in zip(whole, bare, strict=True)) - 1
    print(f"a live tick of {size} positions without orders, {pairs} pairs in turn")
    print(f"  without reading orders, holdings, switch     1.00   {fewer} SQL statements")
    print(f"  the tick                                     {1 + added:.2f}   {more}")


def _in_turn(
    settings: Settings, pairs: int, on: dg.DagsterInstance
) -> tuple[list[float], list[float]]:
    bare, whole = [], []
    for index in range(pairs):
        with without_the_protocol():
            bare.append(_seconds(settings, 2 * index + 3, on))
        whole.append(_seconds(settings, 2 * index + 4, on))
    return bare, whole


def _seconds(settings: Settings, minutes: int, on: dg.DagsterInstance) -> float:
    start = time.perf_counter()
    run(settings, "protocol", minutes, on)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
