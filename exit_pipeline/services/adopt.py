"""Give positions that no broker has yet to one, so that their exits are sent."""

from collections.abc import Sequence

from exit_pipeline.core.engine.policy import parse_policy
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.position import UNASSIGNED, Position
from exit_pipeline.core.model.record import NewPosition
from exit_pipeline.ports import Broker, Database, TakesDeposits


def adopt(
    position_ids: Sequence[str],
    account: str,
    policy: str | None,
    *,
    broker: Broker,
    database: Database,
) -> int:
    """Assign open positions without a broker to an account of this one; returns how many.

    A broker whose books we keep receives what is still open of them first; it counts each id once,
    so an adoption that was cut off is simply done again.

    Args:
        position_ids: The positions.
        account: The broker's account.
        policy: Name or overrides for them; None leaves theirs.
        broker: Where they are held.
        database: What is kept.

    Raises:
        InputError: A position is not open or has a broker already, its contract is not known, the
            broker does not know the account, or the policy can't be read. Nothing was changed.
    """
    if policy:
        parse_policy(policy)
    if account == UNASSIGNED:
        message = f"account is {account!r}, which stands for positions that no broker has"
        raise InputError(message)
    found = database.positions.open_positions(broker.environment, [UNASSIGNED])
    waiting = {position.id: position for position in found if not position.is_adopted}
    for position_id in position_ids:
        if position_id not in waiting:
            message = f"position {position_id!r} is not open, or a broker has it already"
            raise InputError(message)
    chosen = [waiting[position_id] for position_id in dict.fromkeys(position_ids)]
    deposits = [_deposit(position, account, policy, broker) for position in chosen]
    if isinstance(broker, TakesDeposits):
        broker.deposit(deposits)
    elif account not in (known := broker.accounts()):
        message = f"account is {account!r}; the broker {broker.name} knows {', '.join(known)}"
        raise InputError(message)
    return database.positions.adopt(deposits)


def _deposit(position: Position, account: str, policy: str | None, broker: Broker) -> NewPosition:
    if position.contract is None:
        message = f"position {position.id!r} can't be adopted: its contract is not known"
        raise InputError(message)
    return NewPosition(
        id=position.id,
        symbol=position.contract.symbol,
        side=position.side.value,
        quantity=position.open_quantity,
        entry_price=position.entry_price,
        entry_time=position.entry_time,
        account=account,
        broker=broker.name,
        environment=broker.environment,
        timeframe=position.timeframe,
        policy=policy or position.policy,
    )
