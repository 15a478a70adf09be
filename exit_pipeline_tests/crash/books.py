"""What must hold of the broker's books and ours, after every tick and when all is quiet."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

import psycopg2
from psycopg2.extras import RealDictCursor

from exit_pipeline_tests.crash.desks import BrokerOrder, Desk, signed
from exit_pipeline_tests.crash.scenarios import Held, Scenario

LIVE: Final = frozenset({
    "PENDING", "SUBMITTED", "UNKNOWN", "ACCEPTED", "PARTIAL_FILL", "PENDING_CANCEL",
})  # fmt: skip
IN_DOUBT: Final = frozenset({"PENDING", "SUBMITTED", "UNKNOWN"})


@dataclass(frozen=True)
class Books:
    """One look at both.

    Attributes:
        scenario: What was held, and what is to be left.
        ledger: Every order that the broker has.
        holdings: What it holds, by symbol.
        rows: Our exit orders that were let through, with their trades.
        positions: Ours, by id.
        alerts: Cause and severity by subject, those that nobody has acknowledged.
        state: Of the switch that stops trading.
    """

    scenario: Scenario
    ledger: Sequence[BrokerOrder]
    holdings: Mapping[str, int]
    rows: Sequence[Mapping[str, Any]]
    positions: Mapping[str, Mapping[str, Any]]
    alerts: Sequence[tuple[str, str, str]]
    state: str

    @cached_property
    def by_id(self) -> dict[str, Mapping[str, Any]]:
        return {row["client_order_id"]: row for row in self.rows}

    @cached_property
    def of_position(self) -> dict[str, list[BrokerOrder]]:
        found: dict[str, list[BrokerOrder]] = defaultdict(list)
        for order in self.ledger:
            row = self.by_id.get(order.client_order_id)
            found[row["position_id"] if row else ""].append(order)
        return found

    def wrongs(self) -> Iterator[str]:
        """What must never be, at no moment."""
        for name, times in Counter(one.client_order_id for one in self.ledger).items():
            if times > 1:
                yield f"order {name} is at the broker {times} times"
        for order in self.ledger:
            yield from self._wrongs_of(order)
        for name, held in self.scenario.held.items():
            yield from self._wrong_exits(name, held)
        if self.state != "ACTIVE":
            yield f"trading was halted: {self.state}"

    def _wrong_exits(self, name: str, held: Held) -> Iterator[str]:
        orders = self.of_position[name]
        at_stake = sum(order.at_stake for order in orders)
        if at_stake > held.quantity:
            yield f"{at_stake} contracts of {name} are closed or may be, of {held.quantity}"
        if sum(order.is_open for order in orders) > 1:
            yield f"more than one exit order of {name} works at the broker"
        if self.holdings.get(held.symbol, 0) * signed(held) < 0:
            yield f"{held.symbol} has turned to {self.holdings[held.symbol]}"

    def _wrongs_of(self, order: BrokerOrder) -> Iterator[str]:
        row = self.by_id.get(order.client_order_id)
        if row is None:
            yield f"order {order.client_order_id} of the broker has no row"
            return
        asked = (row["symbol"], row["side"], row["quantity"], row["limit_price"])
        if asked != (order.symbol, order.side, order.quantity, order.limit):
            yield f"order {order.client_order_id} is another one at the broker than in its row"
        if row["booked"] > order.filled:
            yield f"{row['booked']} are booked of the {order.filled} filled of its order"
        if order.is_open and row["status"] not in LIVE:
            yield f"order {order.client_order_id} works, and is {row['status']} in its row"

    def is_quiet(self) -> bool:
        """Whether nothing is under way, and each position is where it should be or a person's."""
        if any(row["status"] in LIVE for row in self.rows if not self._is_told(row)):
            return False
        if any(order.is_open for order in self.ledger):
            return False
        return all(self._has_ended(name, held) for name, held in self.scenario.held.items())

    def differences(self) -> Iterator[str]:
        """Where the books are not the broker's when all is quiet."""
        for order in self.ledger:
            row = self.by_id[order.client_order_id]
            worth = sum((price * quantity for quantity, price in order.fills), Decimal(0))
            if row["booked"] != order.filled or round(worth - row["worth"], 4):
                booked = f"{row['booked']} for {row['worth']} booked"
                yield f"{booked} of {order.filled} for {worth}: {order.client_order_id}"
        for row in self.rows:
            if row["status"] in IN_DOUBT and not self._is_told(row):
                yield f"order {row['client_order_id']} is {row['status']} and nobody is told"
        for name, position in self.positions.items():
            yield from self._wrong_sums(name, self.scenario.held[name], position)
        # Of what has expired and is not settled the books say that it is open.
        if not self.scenario.ends_with and self._held_by_us() != dict(self.holdings):
            yield f"the books hold {self._held_by_us()} and the broker {self.holdings}"

    def _held_by_us(self) -> dict[str, int]:
        ours: dict[str, int] = defaultdict(int)
        for name, position in self.positions.items():
            held = self.scenario.held[name]
            ours[held.symbol] += position["open_quantity"] * (1 if held.side == "LONG" else -1)
        return {symbol: quantity for symbol, quantity in ours.items() if quantity}

    def _wrong_sums(self, name: str, held: Held, position: Mapping[str, Any]) -> Iterator[str]:
        filled = sum(order.filled for order in self.of_position[name])
        gone = position["settled_quantity"] + position["external_quantity"]
        if position["exited_quantity"] != filled + gone:
            yield f"{name} has exited {position['exited_quantity']} of {filled} filled"
        if position["reserved_quantity"]:
            yield f"{name} keeps {position['reserved_quantity']} contracts reserved"
        if gone or not filled:
            return
        fills = [fill for order in self.of_position[name] for fill in order.fills]
        side = 1 if held.side == "LONG" else -1
        gain = sum((price - Decimal(held.entry)) * quantity * 100 for quantity, price in fills)
        if round(position["realized_pnl"] - gain * side, 2):
            yield f"{name} has gained {gain * side}, booked {position['realized_pnl']}"

    def _is_told(self, row: Mapping[str, Any]) -> bool:
        about = {row["position_id"], row["client_order_id"]}
        return any(s in about and severity == "CRITICAL" for s, _, severity in self.alerts)

    def _has_ended(self, name: str, held: Held) -> bool:
        if self.positions[name]["open_quantity"] == held.left:
            return True
        causes = {cause for subject, cause, _ in self.alerts if subject == name}
        return bool(self.scenario.ends_with) and self.scenario.ends_with in causes


def look(scenario: Scenario, desk: Desk, connection: Any) -> Books:
    """Read both."""
    return Books(
        scenario=scenario,
        ledger=desk.orders(),
        holdings=desk.holdings(),
        rows=rows(
            connection,
            "SELECT o.client_order_id, o.refactored_position_id AS position_id, o.symbol, o.side,"
            " o.quantity, o.limit_price, o.status, coalesce(sum(t.quantity), 0) AS booked,"
            " coalesce(sum(t.quantity * t.execution_price), 0) AS worth"
            " FROM orders o LEFT JOIN trades t ON t.order_id = o.id"
            " WHERE o.status <> 'DENIED' GROUP BY o.id ORDER BY o.created_at",
        ),
        positions={
            row["id"]: row for row in rows(connection, "SELECT * FROM refactored_positions")
        },
        alerts=[
            (row["subject"], row["cause"], row["severity"])
            for row in rows(connection, "SELECT * FROM alerts WHERE acknowledged_at IS NULL")
        ],
        state=rows(connection, "SELECT state FROM trading_control")[0]["state"],
    )


def rows(connection: psycopg2.extensions.connection, query: str) -> list[dict[str, Any]]:
    """Rows of a query."""
    with connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(query)
        return [dict(row) for row in cursor.fetchall()]
