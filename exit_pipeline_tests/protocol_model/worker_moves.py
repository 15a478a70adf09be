"""What a worker may do: the steps of a tick, each one transaction or one message.

An idle worker may begin anything that a tick may do, in any order; so more histories are covered
than a tick in fixed phases has. Beginning takes the lease.
"""

from exit_pipeline_tests.protocol_model.recovery_moves import RECOVERY_STEPS, recover
from exit_pipeline_tests.protocol_model.rules import Variant
from exit_pipeline_tests.protocol_model.sending_moves import SENDING_STEPS, decide
from exit_pipeline_tests.protocol_model.state import IDLE, Move, Moves, State, with_worker

_STEPS = SENDING_STEPS | RECOVERY_STEPS


def worker_moves(variant: Variant, state: State, who: int) -> Moves:
    """Everything that one worker may do next, a crash included."""
    worker = state.workers[who]
    if worker.at == "idle":
        for order in range(1, len(state.rows) + 1):
            yield from recover(variant, state, who, order)
        yield from decide(variant, state, who)
        return
    yield from _STEPS[worker.at](variant, state, who, worker)
    if state.crashes:
        dead = with_worker(state, who, IDLE)._replace(crashes=state.crashes - 1)
        yield Move("{worker} crashes and is started again", who, 0, dead)
    if worker.locks and state.session_losses:
        lost = with_worker(state, who, worker._replace(locks=False))
        lost = lost._replace(session_losses=state.session_losses - 1)
        yield Move("{worker} loses its database session and does not notice", who, 0, lost)
