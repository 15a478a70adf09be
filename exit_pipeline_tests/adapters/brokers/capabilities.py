"""What brokers can do beyond what holds for every one, asked of each before a market of its own."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Protocol

from exit_pipeline.core.model.order import HeldPosition, OrderRequest, OrderSide, OrderStatus
from exit_pipeline.ports import Broker, TakesDeposits, TellsClosings

SELL, BUY = OrderSide.SELL_TO_CLOSE, OrderSide.BUY_TO_CLOSE
CALL = "GOOG151224C00750000"
LONG_AGO = datetime(2015, 12, 1, tzinfo=UTC)
FAR_AWAY = "9.00"
"""A limit that no quote of these tests reaches, so that an order rests."""


class BrokerRig(Protocol):
    """A broker in a market that a test moves."""

    broker: Broker
    account: str

    def hold(self, quantity: int) -> None:
        """Make the account hold contracts of ``CALL``, negative when short, and nothing else."""

    def quote(self, bid: str, ask: str, size: int | None = None) -> None:
        """Give ``CALL`` a new quote, newer than the last one, with as many on either side."""

    def order(
        self, client_order_id: str, side: OrderSide, quantity: int, limit: str
    ) -> OrderRequest:
        """Make an order on ``CALL``."""

    def another(self) -> Broker:
        """Give another broker of the same account, as another process would have it."""

    def expire(self) -> None:
        """Let what is held of ``CALL`` expire worthless."""

    def close_by_hand(self, quantity: int, price: str) -> None:
        """Let a person close contracts of ``CALL`` that are held, at a vendor."""

    def next_day(self) -> None:
        """Let the session end and another one begin, at a vendor."""

    def delay_cancels(self) -> None:
        """Let the vendor take cancels and confirm them later, where it may do so."""


def _two_senders(rig: BrokerRig) -> str:
    rig.hold(4)
    other = rig.another()
    # Whatever the other one has read before, it has not read the order.
    other.working_orders(rig.account)
    order = rig.order("a-1", SELL, 1, FAR_AWAY)
    rig.broker.submit(order)
    refused = other.submit(order).status is OrderStatus.REJECTED
    return "refused by the broker" if refused else "placed: only our lease prevents it"


def _again(rig: BrokerRig) -> str:
    rig.hold(4)
    order = rig.order("a-1", SELL, 1, FAR_AWAY)
    rig.broker.submit(order)
    rig.broker.cancel(rig.account, "a-1")
    return _refused(rig, order)


def _would_open(rig: BrokerRig) -> str:
    rig.hold(5)
    return _refused(rig, rig.order("a-1", BUY, 1, "1.00"))


def _more_than_free(rig: BrokerRig) -> str:
    _rest_four_of_five(rig)
    return _refused(rig, rig.order("a-2", SELL, 2, FAR_AWAY))


def _refused(rig: BrokerRig, order: OrderRequest) -> str:
    return "refused" if rig.broker.submit(order).status is OrderStatus.REJECTED else "taken"


def _free(rig: BrokerRig) -> str:
    return _told(_rest_four_of_five(rig).free_quantity == 1)


def _entered(rig: BrokerRig) -> str:
    return _told(_rest_four_of_five(rig).acquired_at is not None)


def _rest_four_of_five(rig: BrokerRig) -> HeldPosition:
    rig.hold(5)
    rig.broker.submit(rig.order("a-1", SELL, 4, FAR_AWAY))
    (held,) = rig.broker.positions(rig.account)
    return held


def _ended(rig: BrokerRig) -> str:
    rig.hold(2)
    rig.expire()
    return _told(bool(rig.broker.settlements(rig.account)))


def _by_hand(rig: BrokerRig) -> str:
    broker = rig.broker
    if not isinstance(broker, TellsClosings):
        return "not told"
    rig.hold(3)
    rig.close_by_hand(2, "1.15")

    def is_told() -> bool:
        told = broker.closings(rig.account, [CALL], LONG_AGO)
        return [(one.fill.price, one.client_order_id or "") for one in told] in (
            [(Decimal("1.15"), "")],
            [(Decimal("1.15"), "")] * 2,
        )

    at_once = is_told()
    rig.next_day()
    return ("told" if is_told() else "told in its session") if at_once else "not told"


def _cancelled(rig: BrokerRig) -> str:
    rig.delay_cancels()
    rig.hold(2)
    rig.broker.submit(rig.order("a-1", SELL, 2, FAR_AWAY))
    at_once = rig.broker.cancel(rig.account, "a-1").status is OrderStatus.CANCELLED
    return "confirmed at once" if at_once else "asked for, confirmed by a later read"


def _executed(rig: BrokerRig) -> str:
    _, fills = _sell_three(rig)
    return "as one" if fills == 1 else "contract by contract"


def _costs(rig: BrokerRig) -> str:
    costs, _ = _sell_three(rig)
    return _told(costs > 0)


def _sell_three(rig: BrokerRig) -> tuple[Decimal, int]:
    """Commission, fees and the number of fills of one execution of three contracts."""
    rig.hold(3)
    rig.quote("1.10", "1.20")
    rig.broker.submit(rig.order("a-1", SELL, 3, "1.00"))
    report = rig.broker.find_order(rig.account, "a-1")
    fills = report.fills if report else ()
    return sum((fill.commission + fill.fees for fill in fills), Decimal(0)), len(fills)


def _checked(rig: BrokerRig) -> str:
    preview = getattr(rig.broker, "preview", None)
    if preview is None:
        return "no"
    rig.hold(1)
    why = preview(rig.order("a-1", SELL, 2, FAR_AWAY))
    return "yes" if why and not rig.broker.working_orders(rig.account) else "no"


def _books(rig: BrokerRig) -> str:
    return "ours" if isinstance(rig.broker, TakesDeposits) else "the vendor's"


def _told(is_told: bool) -> str:
    return "told" if is_told else "not told"


PROBES: Mapping[str, Callable[[BrokerRig], str]] = {
    "books": _books,
    "one order id from two senders at once": _two_senders,
    "the id of a cancelled order, sent again": _again,
    "an order that would open a position": _would_open,
    "an order for more than is free": _more_than_free,
    "a cancel": _cancelled,
    "three contracts filled at once are told": _executed,
    "commission and fees of a fill": _costs,
    "free quantity of a position": _free,
    "time at which a position was entered": _entered,
    "how expired contracts ended": _ended,
    "price of a close by hand": _by_hand,
    "an order can be checked without placing it": _checked,
}
"""What is asked, by the words of the table; each of a rig that nothing has happened to."""


def table(
    rigs: Mapping[str, Callable[[str], AbstractContextManager[BrokerRig]]],
    new_database: Callable[[], AbstractContextManager[str]],
) -> str:
    """The capabilities of brokers as a table in Markdown.

    Args:
        rigs: A broker's rig by its name, made of the URL of a database.
        new_database: Makes a database, since books that are ours are kept in one.
    """
    lines = [["", *rigs], ["---"] * (len(rigs) + 1)]
    for words, probe in PROBES.items():
        row = [words]
        for rig in rigs.values():
            with new_database() as url, rig(url) as made:
                row.append(probe(made))
        lines.append(row)
    return "\n".join(f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in lines)
