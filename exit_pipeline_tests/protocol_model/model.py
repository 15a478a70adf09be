"""The model as a whole: where it begins, what may happen next, and what must never be."""

from collections.abc import Iterator
from enum import StrEnum

from exit_pipeline_tests.protocol_model.broker_moves import broker_moves, committed
from exit_pipeline_tests.protocol_model.rules import Variant
from exit_pipeline_tests.protocol_model.state import IDLE, LIVE, UNRECORDED, Moves, State
from exit_pipeline_tests.protocol_model.worker_moves import worker_moves


class Violation(StrEnum):
    """What must never be.

    The numbers are those of the simulator's invariants, where it has the same one.
    """

    DOUBLE_EXIT = "double exit"
    """I1: what is filled and what may still fill at the broker is more than is held."""
    TWO_LIVE_ORDERS = "two live orders"
    """I2: more than one live order, at the broker or in the database."""
    ORPHAN_ORDER = "orphan order"
    """I4: an order may fill at the broker for which no live row stands, and nobody is about to
    record it."""
    LOST_FILL = "lost fill"
    """I7: nothing is left to do, and a fill is not booked."""
    FILL_BOOKED_TWICE = "fill booked twice"
    """I7: more is booked of an order than has filled."""
    STUCK_ORDER = "stuck order"
    """L2: nothing is left to do, and an order is still live in the database."""


def initial(variant: Variant) -> State:
    """Nothing ordered, and every worker idle."""
    world = variant.world
    return State((), (), (), (IDLE,) * world.workers, world.crashes, world.session_losses)


def moves(variant: Variant, state: State) -> Moves:
    """Everything that may happen next.

    Of workers that stand at the same place with the same memory only the first moves: what the
    other would do is the same with the names exchanged.
    """
    yield from broker_moves(variant, state)
    workers = state.workers
    for who, worker in enumerate(workers):
        if worker not in workers[:who]:
            yield from worker_moves(variant, state, who)


def violations(variant: Variant, state: State) -> Iterator[Violation]:
    """What is wrong in a state, whatever comes next."""
    open_orders = [one for one in state.placed if one.is_open]
    if committed(state) > variant.world.contracts:
        yield Violation.DOUBLE_EXIT
    if len(open_orders) > 1 or sum(row.status in LIVE for row in state.rows) > 1:
        yield Violation.TWO_LIVE_ORDERS
    if any(_is_orphan(state, one.order) for one in open_orders):
        yield Violation.ORPHAN_ORDER
    for order, row in enumerate(state.rows, 1):
        if row.booked > _filled(state, order):
            yield Violation.FILL_BOOKED_TWICE


def violations_at_rest(state: State) -> Iterator[Violation]:
    """What is wrong in a state from which nothing follows."""
    for order, row in enumerate(state.rows, 1):
        if row.booked < _filled(state, order):
            yield Violation.LOST_FILL
        if row.status in LIVE:
            yield Violation.STUCK_ORDER


def _is_orphan(state: State, order: int) -> bool:
    status = state.rows[order - 1].status
    if status == UNRECORDED:
        return not any(worker.order == order for worker in state.workers)
    return status not in LIVE


def _filled(state: State, order: int) -> int:
    return sum(one.filled for one in state.placed if one.order == order)
