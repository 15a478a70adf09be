"""Ask several things at once, within one time budget."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from exit_pipeline.core.model.errors import ExitPipelineError, UnavailableError

T = TypeVar("T")


def gather(
    jobs: Sequence[Callable[[], T]], *, seconds: float, workers: int = 8
) -> list[T | ExitPipelineError]:
    """The answer of each job, or the error that is meant for a person, in the jobs' order.

    Any other error is a fault of the program and is raised.

    Args:
        jobs: What is asked, side by side.
        seconds: Budget of all together. A job that takes longer comes back as an
            ``UnavailableError``, and one that has not begun by then is not begun.
        workers: How many are asked at once.
    """
    if not jobs:
        return []
    pool = ThreadPoolExecutor(min(workers, len(jobs)), thread_name_prefix="gather")
    try:
        futures = [pool.submit(job) for job in jobs]
        wait(futures, timeout=seconds)
        outcomes: list[T | ExitPipelineError] = []
        for future in futures:
            outcome = _outcome(future, seconds)
            outcomes.append(outcome)
        return outcomes
    finally:
        # What is still on its way ends by its own time-out, and nobody waits for it.
        pool.shutdown(wait=False, cancel_futures=True)


def _outcome(future: Future[T], seconds: float) -> T | ExitPipelineError:
    if not future.done():
        return UnavailableError(f"no answer within {seconds:g} seconds")
    try:
        return future.result()
    except ExitPipelineError as error:
        return error
