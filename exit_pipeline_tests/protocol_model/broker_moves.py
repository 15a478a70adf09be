"""What the broker, the network and time may do by themselves."""

from exit_pipeline_tests.protocol_model.rules import Freezes, GivesUp, Proof, Variant
from exit_pipeline_tests.protocol_model.state import (
    CANCELLING,
    PASSED,
    PROVED,
    RUNNING,
    SENT,
    Move,
    Moves,
    Placed,
    State,
    with_placed,
    with_row,
)


def accepts(variant: Variant, state: State, order: int) -> bool:
    """Whether the broker takes an order that arrives now."""
    world = variant.world
    if world.is_idempotent and any(placed.order == order for placed in state.placed):
        return False
    return not world.guards_quantity or committed(state) + state.rows[order - 1].quantity <= (
        world.contracts
    )


def committed(state: State) -> int:
    """Contracts that are filled or may still fill."""
    return sum(one.quantity if one.is_open else one.filled for one in state.placed)


def place(variant: Variant, state: State, order: int) -> State:
    """The state after an order has arrived at the broker, which may refuse it."""
    if not accepts(variant, state, order):
        return state
    new = Placed(
        order=order,
        quantity=state.rows[order - 1].quantity,
        filled=0,
        reported=0,
        is_open=True,
        is_shown=not variant.world.hides,
    )
    return state._replace(placed=tuple(sorted((*state.placed, new))))


def broker_moves(variant: Variant, state: State) -> Moves:
    """Everything that may happen without a worker."""
    for order in sorted(set(state.travelling)):
        rest = list(state.travelling)
        rest.remove(order)
        arrived = place(variant, state._replace(travelling=tuple(rest)), order)
        yield Move("the late POST of {order} arrives at the broker", -1, order, arrived)
    for at, placed in enumerate(state.placed):
        yield from _order_moves(variant, state, at, placed)
    if variant.rules.gives_up is GivesUp.AFTER_QUARANTINE:
        yield from _quarantine_moves(variant, state)


def _order_moves(variant: Variant, state: State, at: int, placed: Placed) -> Moves:
    order = placed.order
    if not placed.is_shown:
        seen = placed._replace(is_shown=True)
        yield Move("the broker begins to show {order}", -1, order, with_placed(state, at, seen))
    if placed.is_open:
        filled = placed.filled + 1
        more = placed._replace(
            filled=filled,
            reported=placed.reported if variant.world.reports_late else filled,
            is_open=filled < placed.quantity,
        )
        yield Move("a contract of {order} fills", -1, order, with_placed(state, at, more))
        ended = with_placed(state, at, placed._replace(is_open=False))
        if variant.world.expires:
            yield Move("{order} expires at the broker", -1, order, ended)
        if state.rows[order - 1].status == CANCELLING:
            yield Move("the broker carries out the cancel of {order}", -1, order, ended)
    if placed.reported < placed.filled:
        told = placed._replace(reported=placed.filled)
        yield Move(
            "the broker reports the fills of {order}", -1, order, with_placed(state, at, told)
        )


def _quarantine_moves(variant: Variant, state: State) -> Moves:
    starts_at = PROVED if variant.rules.proof is Proof.LOCK_BEFORE_QUARANTINE else RUNNING
    for order, row in enumerate(state.rows, 1):
        if row.status == SENT and row.quarantine == starts_at and _may_pass(variant, state, order):
            passed = with_row(state, order, row._replace(quarantine=PASSED))
            yield Move("the quarantine of {order} passes", -1, order, passed)


def _may_pass(variant: Variant, state: State, order: int) -> bool:
    """Whether a quarantine may end: it outlasts the network's and the broker's delays.

    Senders outlast it only where they may freeze.
    """
    if order in state.travelling:
        return False
    if any(placed.order == order and not placed.is_shown for placed in state.placed):
        return False
    freezes = variant.world.freezes
    if freezes is Freezes.ANYWHERE or (not variant.rules.keeps_deadline and freezes):
        return True
    awake = {"check", "write"} if freezes is Freezes.NOWHERE else {"write"}
    return not any(one.order == order and one.at in awake for one in state.workers)
