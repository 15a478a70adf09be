"""The lease of the account, under a fence number that grows with each holder."""

from exit_pipeline_tests.protocol_model.rules import Variant
from exit_pipeline_tests.protocol_model.state import State, Worker, with_worker


def lead(variant: Variant, state: State, who: int, worker: Worker) -> State:
    """A worker begins a step, as the holder of the lease."""
    if variant.rules.has_fence:
        workers = tuple(one._replace(leads=False) if one.leads else one for one in state.workers)
        state, worker = state._replace(workers=workers), worker._replace(leads=True)
    return with_worker(state, who, worker)


def may_write(variant: Variant, worker: Worker) -> bool:
    """Whether the database takes what only the holder of the lease may write."""
    return worker.leads or not variant.rules.has_fence
