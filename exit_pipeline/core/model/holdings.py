"""How the open positions of an account are brought in step with what its broker holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from exit_pipeline.core.model.position import Position
from exit_pipeline.core.model.record import NewPosition


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What a broker holds of one contract, seen from our books; all without sign.

    Attributes:
        quantity: Contracts that are held, on the side of our rows.
        of_others: Those of them that closing orders of somebody else's may take.
        deficit: Contracts that our open rows have and the broker has not. Who of them has lost
            them is not known yet, so none sells them.
    """

    quantity: int
    of_others: int
    deficit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Contracts that our rows have and the broker has not, seen by more than one tick.

    Attributes:
        missing: How many were missing each time.
        first_seen_at: When that was seen first.
    """

    missing: int
    first_seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Resized:
    """An unmanaged row that is set to what the broker says.

    Attributes:
        position_id: The row.
        quantity: Contracts that are open from now on, at least 1.
        entry_price: Dollars per share, above 0.
    """

    position_id: str
    quantity: int
    entry_price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldStep:
    """What brings the rows of one account in step; managed rows are never among what it changes.

    Attributes:
        broker: Name of the broker.
        environment: Environment of the rows.
        account: The broker's account.
        basis: All open rows of the account that it was worked out from. Where they are others by
            the time that it is taken, it is worth nothing.
        at: When the broker was asked.
        added: Holdings that no row stands for yet. Where a row had the id in an earlier life, the
            new one gets it with ``-2``, ``-3`` and so on.
        resized: Rows whose quantity or price is another.
        gone: Ids of rows whose contracts are no longer held.
    """

    broker: str
    environment: str
    account: str
    basis: Sequence[Position]
    at: datetime
    added: Sequence[NewPosition] = ()
    resized: Sequence[Resized] = ()
    gone: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTaken:
    """What a step has done beyond what it says itself.

    Attributes:
        added_ids: Ids of the new rows, in the order of ``HeldStep.added``.
        legs: Ids of rows that are probable legs of a spread from now on.
        no_legs: Ids of rows that were, and no longer are.
    """

    added_ids: Sequence[str] = ()
    legs: Sequence[str] = ()
    no_legs: Sequence[str] = ()
