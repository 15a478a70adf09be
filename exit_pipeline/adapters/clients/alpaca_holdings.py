"""What Alpaca says that is held, and how options ended: pure functions of its answers."""

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from zoneinfo import ZoneInfo

from exit_pipeline.adapters.clients.alpaca_orders import (
    SIDES,
    contracts,
    execution,
    read_contract,
    unreadable,
)
from exit_pipeline.adapters.clients.figures import read_instant, read_price
from exit_pipeline.core.model.closing import ClosingFill
from exit_pipeline.core.model.contract import SHARES_PER_CONTRACT, OptionContract
from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.core.model.order import HeldPosition, Settlement

KINDS: Final = {"OPEXP": "EXPIRED", "OPASN": "ASSIGNED", "OPEXC": "EXERCISED"}
"""Activity types of settlements, and our words for them."""

_NEW_YORK: Final = ZoneInfo("America/New_York")
_UNIT: Final = Decimal(1).scaleb(-4)
_MOST_CASH: Final = Decimal(10) ** 12
"""Dollars of one settlement above which a number is a fault of the vendor's."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ended:
    """One activity that ended contracts.

    Attributes:
        row: As Alpaca gives it.
        contract: Which ones.
        kind: EXPIRED, ASSIGNED or EXERCISED.
        quantity: How many.
        cash: Dollars received or paid, without sign; 0 where shares changed hands instead.
    """

    row: Mapping[str, Any]
    contract: OptionContract
    kind: str
    quantity: int
    cash: Decimal

    @property
    def is_in_shares(self) -> bool:
        """Whether its value depends on a price that Alpaca does not tell."""
        return self.kind != "EXPIRED" and not self.cash


def to_held(account: str, position: Mapping[str, Any]) -> HeldPosition | None:
    """A holding in our words; None when it is no option.

    Raises:
        UnavailableError: It is an option and can't be read.
    """
    if read_contract(position.get("symbol")) is None:
        return None
    price, _ = read_price(position.get("avg_entry_price"))
    if price is None:
        raise unreadable(position, "avg_entry_price")
    size = abs(contracts(position, "qty"))
    free = None
    if position.get("qty_available") is not None:
        free = abs(contracts(position, "qty_available"))
    # A short one is written as a negative quantity; should that ever change, its side still tells.
    short = contracts(position, "qty") < 0 or position.get("side") == "short"
    return HeldPosition(
        account=account,
        symbol=str(position["symbol"]),
        quantity=-size if short else size,
        average_price=price,
        free_quantity=-free if short and free else free,
    )


def entries(
    held: Iterable[HeldPosition], fills: Iterable[Mapping[str, Any]]
) -> dict[str, datetime]:
    """When holdings were opened, by symbol: walking back from now to where each was last flat.

    Example: 3 held and, newest first, a purchase of 1 on Thursday, a sale of 2 on Wednesday, and a
    purchase of 4 on Tuesday: before those were 2, 4 and 0, so it was opened on Tuesday.

    Args:
        held: Holdings of now.
        fills: Fills of the account, newest first; read no further than needed.

    Returns:
        Nothing of a holding whose beginning isn't among the fills.

    Raises:
        UnavailableError: A fill of a holding can't be read.
    """
    open_then = {one.symbol: one.quantity for one in held}
    found: dict[str, datetime] = {}
    for row in fills if open_then else ():
        symbol = str(row.get("symbol"))
        if symbol not in open_then:
            continue
        after, size = open_then[symbol], abs(contracts(row, "qty"))
        before = after - size if row.get("side") == "buy" else after + size
        open_then[symbol] = before
        if before * after > 0:
            continue
        # It was flat, or on the other side: this fill opened what is held.
        at = read_instant(row.get("transaction_time"))
        if at is None:
            raise unreadable(row, "transaction_time")
        found[symbol] = at
        del open_then[symbol]
        if not open_then:
            break
    return found


def closing_fills(
    fills: Iterable[Mapping[str, Any]], symbols: Collection[str]
) -> list[ClosingFill]:
    """Executions of contracts; whose order each belongs to is told by the order's key alone.

    Raises:
        UnavailableError: One can't be read.
    """
    return [
        ClosingFill(
            symbol=str(row["symbol"]),
            side=SIDES[str(row["side"])],
            fill=execution(row),
            broker_order_id=str(row["order_id"]),
            client_order_id=None,
        )
        for row in fills
        if row.get("symbol") in symbols and row.get("side") in SIDES
    ]


def read_ended(rows: Iterable[Mapping[str, Any]]) -> list[Ended]:
    """The activities that ended options; rows that were cancelled, and the shares', are left out.

    Raises:
        UnavailableError: One can't be read.
    """
    found = []
    for row in rows:
        contract, kind = read_contract(row.get("symbol")), KINDS.get(str(row.get("activity_type")))
        if contract is None or kind is None or row.get("status") == "canceled":
            continue
        quantity = abs(contracts(row, "qty"))
        if quantity:
            found.append(Ended(row, contract, kind, quantity, _cash(row)))
    return found


def to_settlement(account: str, ended: Ended, prices: Mapping[str, Decimal]) -> Settlement | None:
    """A settlement in our words; None where its value is not known.

    Args:
        account: The broker's account.
        ended: What ended.
        prices: Dollars by underlying, for what was settled in shares.

    Raises:
        UnavailableError: It has no id, or no time.
    """
    row, symbol = ended.row, ended.contract.symbol
    at = read_instant(row.get("created_at")) or read_instant(row.get("date"), _NEW_YORK)
    if not row.get("id"):
        raise unreadable(row, "id")
    if at is None:
        message = f"Alpaca's settlement of {symbol} has no time that can be read"
        raise UnavailableError(message)
    price = ended.cash / (ended.quantity * SHARES_PER_CONTRACT)
    if ended.is_in_shares:
        underlying = prices.get(ended.contract.underlying)
        if underlying is None:
            log.warning("the settlement of %s in shares can't be valued yet", symbol)
            return None
        log.warning("%s was settled in shares, valued at %s of now", symbol, underlying)
        price = ended.contract.intrinsic(underlying)
    return Settlement(
        settlement_id=f"alpaca-{row.get('id')}",
        account=account,
        symbol=symbol,
        quantity=ended.quantity,
        kind=ended.kind,
        price=price.quantize(_UNIT),
        settled_at=at,
    )


def _cash(row: Mapping[str, Any]) -> Decimal:
    try:
        amount = Decimal(str(row.get("net_amount") or 0))
    except InvalidOperation:
        amount = Decimal("NaN")
    if amount.is_finite() and abs(amount) <= _MOST_CASH:
        return abs(amount)
    message = f"Alpaca's settlement of {row.get('symbol')!r} has no net_amount that can be read"
    raise UnavailableError(message)
