"""Give positions to a broker that have none yet, and manage what was imported from one."""

from collections.abc import Mapping, Sequence

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.policy_layer import PolicyLibrary
from exit_pipeline.core.model.position import UNASSIGNED, Position
from exit_pipeline.core.model.record import NewPosition
from exit_pipeline.policies import shipped_policies
from exit_pipeline.ports import Broker, Database, TakesDeposits
from exit_pipeline.services.check_policy import check_policy


def adopt(
    position_ids: Sequence[str],
    account: str | None,
    policy: str | None,
    *,
    broker: Broker,
    database: Database,
    policies: PolicyLibrary | None = None,
) -> int:
    """Have the exits of open positions sent from now on; returns how many were adopted.

    Rows that no broker has yet are assigned to an account of this one; rows that were imported from
    its account stay there and become managed. A broker whose books we keep receives what is still
    open of the former first; it counts each id once, so an adoption that was cut off is simply done
    again.

    Args:
        position_ids: The positions.
        account: The broker's account; None where every position carries one.
        policy: Name or overrides for them; None leaves theirs.
        broker: Where they are held.
        database: What is kept.
        policies: The named policies; None for the shipped ones.

    Raises:
        InputError: A position is not open, is managed already, is held in another account or has
            none, or is a leg of a spread; its contract is not known; the broker does not know the
            account; or the policy can't be read. Nothing was changed.
    """
    if policy:
        check_policy(policy, policies or shipped_policies())
    if account == UNASSIGNED:
        message = f"account is {account!r}, which stands for positions that no broker has"
        raise InputError(message)
    found = {one.id: one for one in database.positions.open_positions(broker.environment)}
    chosen = [_choose(name, found, account, broker) for name in dict.fromkeys(position_ids)]
    adopted = [_adopted(position, account, policy, broker) for position in chosen]
    deposits = [new for new, was in zip(adopted, chosen, strict=True) if not was.is_adopted]
    if isinstance(broker, TakesDeposits):
        broker.deposit(deposits)
    elif deposits and account not in (known := broker.accounts()):
        message = f"account is {account!r}; the broker {broker.name} knows {', '.join(known)}"
        raise InputError(message)
    return database.positions.adopt(adopted)


def _choose(
    position_id: str, found: Mapping[str, Position], account: str | None, broker: Broker
) -> Position:
    """An open position that this broker may adopt.

    Raises:
        InputError: It may not, as the sentence says.
    """
    position = found.get(position_id)
    is_imported = position is not None and position.broker == broker.name and not position.managed
    if position is None or (position.is_adopted and not is_imported):
        message = f"position {position_id!r} is not open, or a broker has it already"
    elif is_imported and account not in (None, position.account):
        message = f"account is {account!r}; position {position_id!r} is held in {position.account}"
    elif not is_imported and account is None:
        message = f"position {position_id!r} has no account yet; say which with --account"
    elif position.spread_leg:
        message = f"{position.say_spread(found.values())}; it can't be adopted singly"
    else:
        return position
    raise InputError(message)


def _adopted(
    position: Position, account: str | None, policy: str | None, broker: Broker
) -> NewPosition:
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
        account=position.account or account or "",
        broker=broker.name,
        environment=broker.environment,
        timeframe=position.timeframe,
        policy=policy or position.policy,
    )
