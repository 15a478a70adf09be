"""What a worker does about orders that were sent: look up, book, send again, give up, cancel."""

from exit_pipeline_tests.protocol_model.lease import lead, may_write
from exit_pipeline_tests.protocol_model.rules import GivesUp, Proof, Variant
from exit_pipeline_tests.protocol_model.sending_moves import sending
from exit_pipeline_tests.protocol_model.state import (
    ABANDONED,
    CANCELLING,
    ENDED,
    IDLE,
    INTENT,
    LIVE,
    PASSED,
    PROVED,
    RUNNING,
    SENT,
    UNRECORDED,
    WORKING,
    Move,
    Moves,
    Row,
    State,
    Worker,
    is_locked,
    shown,
    with_row,
    with_worker,
)


def recover(variant: Variant, state: State, who: int, order: int) -> Moves:
    """What an idle worker may begin to do about an order."""
    row = state.rows[order - 1]
    if row.status == INTENT:
        gone = with_row(lead(variant, state, who, IDLE), order, row._replace(status=ABANDONED))
        what = "{worker} abandons the unsent intent of {order}"
        yield Move(what, who, order, with_worker(gone, who, IDLE))
    else:
        yield from _look_up(variant, state, who, order, row)
        yield from _prove_or_cancel(variant, state, who, order, row)


def _look_up(variant: Variant, state: State, who: int, order: int, row: Row) -> Moves:
    """Read an order at the broker, where that may tell something new."""
    rules = variant.rules
    if row.status == UNRECORDED or (row.status not in LIVE and not rules.reads_ended):
        return
    found = shown(state, order)
    if found is not None:
        is_news = found.reported > row.booked
        is_news |= row.status == SENT or (row.status in LIVE and not found.is_open)
        if is_news:
            reader = Worker("book", order, (found.reported, found.is_open, row.booked))
            what = "{worker} reads {order} at the broker"
            yield Move(what, who, order, lead(variant, state, who, reader))
    elif row.status == SENT and _needs_listing(variant, row):
        reader = Worker("missed", order, (row.quarantine, is_locked(state, order)))
        what = "{worker} does not find {order} at the broker"
        yield Move(what, who, order, lead(variant, state, who, reader))


def _needs_listing(variant: Variant, row: Row) -> bool:
    """Whether anything may follow from not finding an order."""
    rules = variant.rules
    if rules.sends_again or rules.gives_up is GivesUp.AT_ONCE:
        return True
    return not rules.lists_after_quarantine or row.quarantine == PASSED


def _prove_or_cancel(variant: Variant, state: State, who: int, order: int, row: Row) -> Moves:
    rules = variant.rules
    proves = (
        rules.gives_up is GivesUp.AFTER_QUARANTINE and rules.proof is Proof.LOCK_BEFORE_QUARANTINE
    )
    if proves and row.status == SENT and row.quarantine == RUNNING and not is_locked(state, order):
        seen = lead(variant, state, who, Worker("prove", order))
        what = "{worker} finds the session lock of {order} free"
        yield Move(what, who, order, seen)
    if variant.world.cancels and row.status == WORKING:
        asked = with_row(state, order, row._replace(status=CANCELLING))
        asked = lead(variant, asked, who, Worker("cancel", order))
        yield Move("{worker} records that it cancels {order}", who, order, asked)


def _prove(variant: Variant, state: State, who: int, worker: Worker) -> Moves:
    order, row = worker.order, state.rows[worker.order - 1]
    done = with_worker(state, who, IDLE)
    if row.status == SENT and row.quarantine == RUNNING and may_write(variant, worker):
        done = with_row(done, order, row._replace(quarantine=PROVED))
        what = "{worker} notes that the sender of {order} has ended: its quarantine begins"
        yield Move(what, who, order, done)
    else:
        yield Move("{worker} leaves {order} as it is", who, order, done)


def _book(variant: Variant, state: State, who: int, worker: Worker) -> Moves:
    order, row = worker.order, state.rows[worker.order - 1]
    reported, is_open, booked_before = worker.memory
    if not variant.rules.books_quantities:
        booked = row.quantity if reported == row.quantity else row.booked
    elif variant.rules.books_under_lock:
        booked = max(row.booked, reported)
    else:
        booked = row.booked + max(0, reported - booked_before)
    status = row.status
    if status in LIVE:
        status = ENDED if not is_open else CANCELLING if status == CANCELLING else WORKING
    done = with_row(state, order, Row(status, row.quantity, booked))
    what = "{worker} books {order}: " + f"{status}, {booked} filled"
    yield Move(what, who, order, with_worker(done, who, IDLE))


def _missed(variant: Variant, state: State, who: int, worker: Worker) -> Moves:
    order, row = worker.order, state.rows[worker.order - 1]
    may_act = row.status == SENT and may_write(variant, worker)
    if may_act and variant.rules.sends_again and not is_locked(state, order):
        quarantine = RUNNING if variant.rules.waits_anew else row.quarantine
        repeated = row._replace(quarantine=quarantine, is_repeat=True)
        again = with_row(state, order, repeated)
        what = "{worker} commits that it sends {order} again"
        yield Move(what, who, order, sending(variant, again, who, worker))
    if may_act and _may_give_up(variant, state, worker, row):
        gone = with_row(state, order, row._replace(status=ABANDONED, is_repeat=False))
        what = "{worker} gives {order} up as never placed"
        yield Move(what, who, order, with_worker(gone, who, IDLE))
    else:
        what = "{worker} leaves {order} as it is"
        yield Move(what, who, order, with_worker(state, who, IDLE))


def _may_give_up(variant: Variant, state: State, worker: Worker, row: Row) -> bool:
    rules = variant.rules
    if rules.gives_up is not GivesUp.AFTER_QUARANTINE:
        return rules.gives_up is GivesUp.AT_ONCE
    quarantine, was_locked = worker.memory
    if row.quarantine != PASSED or (rules.lists_after_quarantine and quarantine != PASSED):
        return False
    if rules.proof is Proof.LOCK_AFTER_LISTING:
        return not is_locked(state, worker.order)
    return rules.proof is not Proof.LOCK_BEFORE_LISTING or not was_locked


def _cancel(variant: Variant, state: State, who: int, worker: Worker) -> Moves:
    """Ask the broker to cancel: it may do so now, later (a move of its own), or never."""
    order, row = worker.order, state.rows[worker.order - 1]
    asked = with_worker(state, who, IDLE)
    if not variant.rules.confirms_cancel and row.status == CANCELLING:
        asked = with_row(asked, order, row._replace(status=ENDED))
        yield Move("{worker} asks to cancel {order} and takes it as done", who, order, asked)
    else:
        yield Move("{worker} asks to cancel {order}", who, order, asked)


RECOVERY_STEPS = {
    "book": _book,
    "missed": _missed,
    "prove": _prove,
    "cancel": _cancel,
}
"""The steps by the place that a worker stands at."""
