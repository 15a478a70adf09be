"""States of the model: plain tuples, since hundreds of thousands of them are kept."""

from collections.abc import Iterator
from typing import Final, NamedTuple

INTENT: Final = "intent"
SENT: Final = "sent"  # the product's SUBMITTED and UNKNOWN: it may exist at the broker
WORKING: Final = "working"
CANCELLING: Final = "cancelling"
ENDED: Final = "ended"
REFUSED: Final = "refused"
ABANDONED: Final = "abandoned"
UNRECORDED: Final = "unrecorded"  # sent without a row: no part of the database
LIVE: Final = frozenset({INTENT, SENT, WORKING, CANCELLING})

RUNNING: Final = 0
PROVED: Final = 1
PASSED: Final = 2


class Row(NamedTuple):
    """The database's row of an order; its number is its place.

    Attributes:
        status: One of the constants above.
        quantity: Contracts ordered.
        booked: Contracts booked as filled.
        quarantine: RUNNING; PROVED when the sender was seen to have ended; PASSED.
        is_repeat: Sent more than once.
    """

    status: str
    quantity: int
    booked: int = 0
    quarantine: int = RUNNING
    is_repeat: bool = False


class Placed(NamedTuple):
    """An order at the broker.

    Attributes:
        order: Number of its row.
        quantity: Contracts ordered.
        filled: Contracts that are truly filled.
        reported: Contracts that the broker reports as filled.
        is_open: It may still fill.
        is_shown: A look-up finds it.
    """

    order: int
    quantity: int
    filled: int
    reported: int
    is_open: bool
    is_shown: bool


class Worker(NamedTuple):
    """A process: where it stands, and what it remembers there.

    Attributes:
        at: The step it stands before.
        order: Number of the order it is about.
        memory: What it has read.
        leads: It holds the lease under the newest fence.
        locks: It holds its order's session lock.
    """

    at: str
    order: int = 0
    memory: tuple[int, ...] = ()
    leads: bool = False
    locks: bool = False


IDLE: Final = Worker("idle")


class State(NamedTuple):
    """Everything at one moment.

    Attributes:
        rows: The database's orders.
        placed: The broker's orders, by number.
        travelling: Numbers of orders whose POST is still on its way.
        workers: The processes.
        crashes: Crashes left.
        session_losses: Losses of a session left.
    """

    rows: tuple[Row, ...]
    placed: tuple[Placed, ...]
    travelling: tuple[int, ...]
    workers: tuple[Worker, ...]
    crashes: int
    session_losses: int


class Move(NamedTuple):
    """One step from a state to the next.

    Attributes:
        what: A sentence with the places ``{worker}`` and ``{order}``.
        worker: Place of the worker that acts; -1 for the world.
        order: Number of the order; 0 for none.
        to: The next state.
    """

    what: str
    worker: int
    order: int
    to: State

    def __str__(self) -> str:
        worker = "" if self.worker < 0 else f"worker {chr(ord('A') + self.worker)}"
        return self.what.format(worker=worker, order=f"order {self.order}")


Moves = Iterator[Move]


def with_row(state: State, order: int, row: Row) -> State:
    """The state with another row of an order."""
    rows, placed, travelling, workers, crashes, session_losses = state
    rows = (*rows[: order - 1], row, *rows[order:])
    return State(rows, placed, travelling, workers, crashes, session_losses)


def with_placed(state: State, place: int, placed: Placed) -> State:
    """The state with an order of the broker changed."""
    rows, orders, travelling, workers, crashes, session_losses = state
    orders = (*orders[:place], placed, *orders[place + 1 :])
    return State(rows, orders, travelling, workers, crashes, session_losses)


def with_worker(state: State, place: int, worker: Worker) -> State:
    """The state with a worker elsewhere."""
    rows, placed, travelling, workers, crashes, session_losses = state
    workers = (*workers[:place], worker, *workers[place + 1 :])
    return State(rows, placed, travelling, workers, crashes, session_losses)


def shown(state: State, order: int) -> Placed | None:
    """What a look-up at the broker finds of an order."""
    for placed in state.placed:
        if placed.order == order and placed.is_shown:
            return placed
    return None


def is_locked(state: State, order: int) -> bool:
    """Whether a living sender holds the order's session lock."""
    return any(worker.locks and worker.order == order for worker in state.workers)


def canonical(state: State) -> State:
    """The one state that stands for all that behave alike.

    Workers are interchangeable, so they are sorted. Of an order that has ended at the broker, been
    reported and been booked in full, only the booked quantity matters from then on.
    """
    rows, orders, travelling, workers, crashes, session_losses = state
    if len(workers) > 1:
        workers = tuple(sorted(workers))
        state = State(rows, orders, travelling, workers, crashes, session_losses)
    for place, placed in enumerate(orders):
        if placed.is_open or placed.filled == placed.quantity:
            continue
        row = rows[placed.order - 1]
        if row.status == ENDED and row.booked == placed.reported == placed.filled:
            settled = placed._replace(quantity=placed.filled)
            state = with_placed(state, place, settled)
            state = with_row(state, placed.order, row._replace(quantity=row.booked))
    return state
