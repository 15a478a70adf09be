"""The broker of a seed: its ledger, whatever it calls its orders, and its manners."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Protocol

from exit_pipeline.core.model.record import NewPosition
from exit_pipeline_tests.fake_brokers.server import Reply, Request
from exit_pipeline_tests.simulation.holdings import Owner
from exit_pipeline_tests.simulation.market import Level

POST, CANCEL, FIND, LIST = "post", "cancel", "find", "list"
POSITIONS, ACTIVITIES, ACCOUNT = "positions", "activities", "account"
WRITES: Final = frozenset({POST, CANCEL})


@dataclass(frozen=True, slots=True)
class LedgerOrder:
    """One order as the broker's own books have it.

    Attributes:
        client_order_id: Ours; empty for an order that somebody else placed.
        broker_order_id: The broker's key.
        symbol: Compact OCC symbol.
        sells: Whether it closes long contracts.
        quantity: Contracts ordered.
        filled: Contracts filled.
        value: Sum of price x contracts, dollars per share.
        is_open: Whether it may still fill.
        status: The broker's word.
        at: When it was received.
    """

    client_order_id: str
    broker_order_id: str
    symbol: str
    sells: bool
    quantity: int
    filled: int
    value: Decimal
    is_open: bool
    status: str
    at: datetime

    @property
    def is_by_hand(self) -> bool:
        return not self.client_order_id

    @property
    def left(self) -> int:
        return self.quantity - self.filled if self.is_open else 0


@dataclass(frozen=True, slots=True)
class ClosedByHand:
    """An execution that no order of ours had."""

    symbol: str
    sells: bool
    quantity: int
    price: Decimal


@dataclass(frozen=True, slots=True)
class Posted:
    """An order as it is sent."""

    client_order_id: str
    symbol: str
    sells: bool
    quantity: int
    limit: Decimal


@dataclass
class Limit:
    """Who was told that a broker takes nothing more for now, and asked all the same.

    A process that has just begun can't know what others have used of the same key's limit.

    Attributes:
        ignored: Requests that were refused although the process had been told before.
    """

    ignored: int = 0
    _told: set[str] = field(default_factory=set)

    def begin(self) -> None:
        """A process begins that knows nothing."""
        self._told.clear()

    def answer(self, bucket: str, *, is_refused: bool, left: int) -> None:
        """The broker answers, and says how many more requests of a bucket it takes."""
        self.ignored += is_refused and bucket in self._told
        if is_refused or left == 0:
            self._told.add(bucket)
        else:
            self._told.discard(bucket)


class Venue(Protocol):
    """One broker with one account.

    Attributes:
        owner: Its name and the account's.
        host: The only host that requests may go to; empty where there are none.
        limit: Counts what it takes in a minute.
    """

    owner: Owner
    host: str
    limit: "Limit"

    def hold(self, positions: Sequence[NewPosition]) -> None:
        """Have these contracts in the account."""

    def orders(self) -> list[LedgerOrder]:
        """Every order there ever was, oldest first."""

    def holdings(self) -> Mapping[str, int]:
        """Contracts by symbol, negative when short."""

    def move(self, levels: Mapping[str, Level | None]) -> None:
        """Let the market move; None is a contract that does not trade now."""

    def end_day(self, values: Mapping[str, Decimal]) -> None:
        """Expire day orders, and settle the contracts that end, at dollars per share."""

    def trade_by_hand(self, symbol: str, quantity: int, *, fills: bool) -> bool:
        """Close contracts as a person would, at once or by an order that rests; or not at all."""

    def executions(self) -> Mapping[str, "ClosedByHand"]:
        """Executions of orders of somebody else's, by the id that the books keep them under."""

    def end(self, broker_order_id: str, status: str) -> None:
        """End an order from the broker's side: ``canceled`` or ``rejected``."""

    def execute(self, broker_order_id: str, quantity: int) -> None:
        """Fill contracts of an order whatever the market, and whether or not it has ended."""


class HttpVenue(Venue, Protocol):
    """A broker that is reached over HTTP."""

    def answer(self, request: Request) -> Reply:
        """What the broker answers, having done what it was asked."""

    def kind_of(self, request: Request) -> str:
        """What a request is about, such as ``POST``."""

    def posted(self, request: Request) -> "Posted":
        """The order in a request that places one."""

    def refusals(self) -> Mapping[str, Reply]:
        """This broker's ways to say no, by the fault's name."""

    def spoil_positions(self, reply: Reply, keep: Callable[[int], bool]) -> Reply:
        """Positions with some rows left out, by their number."""

    def set_manner(self, name: str, *, on: bool, amount: float) -> bool:
        """Begin or end one of its manners; False where it has none of the name."""


def take_manner(ways: Mapping[str, tuple[Any, str, Any, Any]], name: str, *, on: bool) -> bool:
    """Begin or end a manner: an attribute of something has one value meanwhile, else another.

    Args:
        ways: What, its attribute, its value meanwhile and its usual one, by the manner's name.
        name: Of the manner.
        on: Whether it begins.

    Returns:
        False where there is none of the name.
    """
    if name not in ways:
        return False
    owner, attribute, meanwhile, usual = ways[name]
    setattr(owner, attribute, meanwhile if on else usual)
    return True
