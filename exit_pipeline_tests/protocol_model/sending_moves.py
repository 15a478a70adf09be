"""From the decision to exit to the broker's answer: the steps of a worker that sends an order."""

from exit_pipeline_tests.protocol_model.broker_moves import accepts, place
from exit_pipeline_tests.protocol_model.lease import lead, may_write
from exit_pipeline_tests.protocol_model.rules import Variant
from exit_pipeline_tests.protocol_model.state import (
    IDLE,
    INTENT,
    LIVE,
    PASSED,
    REFUSED,
    SENT,
    UNRECORDED,
    WORKING,
    Move,
    Moves,
    Row,
    State,
    Worker,
    is_locked,
    with_row,
    with_worker,
)


def _remaining(variant: Variant, state: State) -> int:
    return variant.world.contracts - sum(row.booked for row in state.rows)


def _has_live_exit(state: State) -> bool:
    return any(row.status in LIVE for row in state.rows)


def _holding(variant: Variant, state: State) -> int:
    """What the worker knows the broker to hold."""
    known = len(state.rows) if variant.rules.reads_holding_last else len(state.rows) - 1
    return variant.world.contracts - sum(one.filled for one in state.placed if one.order <= known)


def decide(variant: Variant, state: State, who: int) -> Moves:
    """Decide on an exit: how much of the position is there."""
    world = variant.world
    if len(state.rows) >= world.attempts or _has_live_exit(state):
        return
    size = _remaining(variant, state)
    if variant.rules.caps_at_holding:
        size = min(size, _holding(variant, state))
    if size > 0:
        sized = lead(variant, state, who, Worker("intend", 0, (size,)))
        what = "{worker} finds no live exit, and " + f"{size} to close"
        yield Move(what, who, 0, sized)


def _intend(variant: Variant, state: State, who: int, worker: Worker) -> Moves:
    order = len(state.rows) + 1
    size = min(worker.memory[0], _remaining(variant, state))
    is_refused = variant.rules.allows_one_live_exit and _has_live_exit(state)
    if size <= 0 or is_refused or order > variant.world.attempts or not may_write(variant, worker):
        what = "the database refuses the intent of {worker}"
        yield Move(what, who, 0, with_worker(state, who, IDLE))
        return
    if variant.rules.records_first:
        recorded = state._replace(rows=(*state.rows, Row(INTENT, size)))
        ready = Worker("begin", order, (), worker.leads)
        what = "{worker} commits the intent of {order}"
        yield Move(what, who, order, with_worker(recorded, who, ready))
    else:
        thought = state._replace(rows=(*state.rows, Row(UNRECORDED, size)))
        ready = Worker("write", order, (), worker.leads)
        what = "{worker} makes up {order} without recording it"
        yield Move(what, who, order, with_worker(thought, who, ready))


def _begin_sending(variant: Variant, state: State, who: int, worker: Worker) -> Moves:
    order, row = worker.order, state.rows[worker.order - 1]
    is_intent = row.status == INTENT
    is_free = not is_locked(state, order)
    if variant.rules.rechecks_before_sending and not (
        is_intent and is_free and may_write(variant, worker)
    ):
        what = "{worker} may not send {order} any more"
        yield Move(what, who, order, with_worker(state, who, IDLE))
        return
    sent = with_row(state, order, row._replace(status=SENT)) if is_intent else state
    what = "{worker} commits that it sends {order}"
    yield Move(what, who, order, sending(variant, sent, who, worker))


def sending(variant: Variant, state: State, who: int, worker: Worker) -> State:
    """A worker stands before its POST, and holds the order's session lock."""
    at = "check" if variant.has_check else "write"
    return with_worker(state, who, Worker(at, worker.order, (), worker.leads, locks=True))


def _check(_: Variant, state: State, who: int, worker: Worker) -> Moves:
    """The time to send within may have passed at any moment, and has when the quarantine has."""
    order = worker.order
    what = "{worker} is too late to send {order} and does not"
    yield Move(what, who, order, with_worker(state, who, IDLE))
    if state.rows[order - 1].quarantine != PASSED:
        what = "{worker} sees that it may still send {order}"
        yield Move(what, who, order, with_worker(state, who, worker._replace(at="write")))


def _write(variant: Variant, state: State, who: int, worker: Worker) -> Moves:
    order = worker.order
    unanswered = with_worker(state, who, IDLE)
    yield Move("{worker} sends {order}; the POST is lost", who, order, unanswered)
    is_known = any(one.order == order for one in state.placed)
    if variant.world.delays and not (variant.world.is_idempotent and is_known):
        travelling = _travelling(variant, state, order)
        late = unanswered._replace(travelling=travelling)
        yield Move("{worker} sends {order}; the POST is late, no answer", who, order, late)
    if accepts(variant, state, order):
        arrived = place(variant, state, order)
        silent = with_worker(arrived, who, IDLE)
        what = "{worker} sends {order}; it is placed, the answer is lost"
        yield Move(what, who, order, silent)
        what = "{worker} sends {order}; it is placed and acknowledged"
        yield Move(what, who, order, _acknowledged(arrived, who, worker))
    if variant.world.refuses or (not accepts(variant, state, order) and not is_known):
        told = with_worker(state, who, worker._replace(at="refused"))
        yield Move("{worker} sends {order}; the broker refuses it", who, order, told)


def _travelling(variant: Variant, state: State, order: int) -> tuple[int, ...]:
    """The POSTs on their way with one more; of one id a second has no effect where ids count."""
    if variant.world.is_idempotent and order in state.travelling:
        return state.travelling
    return tuple(sorted((*state.travelling, order)))


def _acknowledged(state: State, who: int, worker: Worker) -> State:
    """The answer is booked, in the same step; without a row, recording it is a step of its own."""
    row = state.rows[worker.order - 1]
    if row.status == UNRECORDED:
        return with_worker(state, who, Worker("record", worker.order, (), worker.leads))
    if row.status == SENT:
        state = with_row(state, worker.order, Row(WORKING, row.quantity, row.booked))
    return with_worker(state, who, IDLE)


def _record(_: Variant, state: State, who: int, worker: Worker) -> Moves:
    row = state.rows[worker.order - 1]
    recorded = with_row(state, worker.order, row._replace(status=WORKING))
    what = "{worker} records {order} as working"
    yield Move(what, who, worker.order, with_worker(recorded, who, IDLE))


def _refused(variant: Variant, state: State, who: int, worker: Worker) -> Moves:
    order, row = worker.order, state.rows[worker.order - 1]
    done = with_worker(state, who, IDLE)
    is_final = not row.is_repeat or variant.rules.believes_refusal_of_repeat
    if row.status == SENT and is_final and may_write(variant, worker):
        done = with_row(done, order, Row(REFUSED, row.quantity, row.booked))
        yield Move("{worker} books that {order} is refused", who, order, done)
    else:
        yield Move("{worker} leaves {order} as it is", who, order, done)


SENDING_STEPS = {
    "intend": _intend,
    "begin": _begin_sending,
    "check": _check,
    "write": _write,
    "record": _record,
    "refused": _refused,
}
"""The steps by the place that a worker stands at."""
