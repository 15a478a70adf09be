"""What an account at Tradier holds of options."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from exit_pipeline.adapters.clients.tradier_json import Json, iso_time, number, whole
from exit_pipeline.core.model.contract import SHARES_PER_CONTRACT, parse_contract
from exit_pipeline.core.model.errors import InputError, UnavailableError
from exit_pipeline.core.model.order import HeldPosition


@dataclass(slots=True)
class _Holding:
    """The lots of one contract: contracts and cost, signed, and when the oldest was acquired."""

    quantity: int = 0
    cost: Decimal = Decimal(0)
    acquired_at: datetime | None = None


def held_options(account: str, positions: Sequence[Json]) -> list[HeldPosition]:
    """Positions as the vendor gives them, without shares; several lots of a contract are one.

    The vendor's cost is the total in dollars, negative when short, so that the average price is
    cost / (contracts x 100); it is 0 where the vendor gives no cost. It gives no multiplier either,
    so the price of an adjusted contract is one per hundredth of a contract. The free quantity is
    not told.

    Example: -1 at a cost of -210 is short 1 at 2.10.

    Raises:
        UnavailableError: A quantity is not whole or can't be read. To leave the holding out would
            say that the account does not have it.
    """
    held: dict[str, _Holding] = {}
    for position in positions:
        symbol = str(position.get("symbol"))
        if not _is_option(symbol):
            continue
        quantity = whole(position.get("quantity"))
        if quantity is None:
            message = f"Tradier's position in {symbol} has no whole quantity of contracts"
            raise UnavailableError(message)
        holding = held.setdefault(symbol, _Holding())
        holding.quantity += quantity
        holding.cost += number(position.get("cost_basis")) or 0
        times = [holding.acquired_at, iso_time(position.get("date_acquired"))]
        holding.acquired_at = min((time for time in times if time), default=None)
    return [
        HeldPosition(
            account=account,
            symbol=symbol,
            quantity=holding.quantity,
            average_price=abs(holding.cost / (holding.quantity * SHARES_PER_CONTRACT)),
            free_quantity=None,
            acquired_at=holding.acquired_at,
        )
        for symbol, holding in sorted(held.items())
        if holding.quantity
    ]


def _is_option(symbol: str) -> bool:
    try:
        parse_contract(symbol)
    except InputError:
        return False
    return True
