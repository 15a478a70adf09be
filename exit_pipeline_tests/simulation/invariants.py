"""What must hold after every step, judged from the broker's ledger and the database.

Each has a number, by which histories name it.

* Here: no more is closed than was held (I1), one live order closes a position (I2), the account is
  never turned (I3), each order is one row (I4), fills are booked once (I7), quantities and money
  are those of the executions (I8), an ended order stays as it is (I10), and whose account was taken
  over records no intent (I13).
* In ``postings``, as an order leaves: its intent is committed (I5), it is sent as before (I6),
  within its bounds of price and time (I11), as the switch allows (I12), for the environment of its
  position (I14), on a usable quote (I15).
* In ``decisions``: every position of a tick has one (I9), every change of an order its event (I16).
* In ``leaks``: no key is seen (I17), no broker asked more often than it allows (I18).
* In ``book_checks``: the checks that a person sees fail only where the books are wrong (I19).
* In ``liveness``: every due exit is filled or told (L1), every order in doubt is told (L2).

Not here: that a gap of ticks is told needs a watcher outside, and is in the tests of
``exit-pipeline status``; that recorded inputs give the same decisions is in those of the engine.

A network that delivers one order twice to a broker without idempotency (``duplicate_delivery``)
can't be helped by any sender: the position of such an order is exempt from I1, I2 and I4, and
``liveness`` asks for an alert instead.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from exit_pipeline_tests.simulation.books import LIVE, Books, read_books
from exit_pipeline_tests.simulation.closings import check_closings
from exit_pipeline_tests.simulation.venues import LedgerOrder

OURS: Final = "em-"
_IN_DOUBT: Final = frozenset({"SUBMITTED", "UNKNOWN", "PENDING_CANCEL"})


class Invariants:
    """Looks at everything after each step.

    Args:
        world: What is looked at.

    Attributes:
        evaluated: How many invariants were judged so far.
        transitions: How often an order was seen to go from one state to another.
        recoveries: For how many looks each order was in doubt that is no more.
        longest_doubt: Seconds for which an order was in doubt at most.
    """

    def __init__(self, world: Any) -> None:
        self.evaluated = 0
        self.transitions: Counter[str] = Counter()
        self.recoveries: list[int] = []
        self.longest_doubt = 0
        self._doubted: Counter[str] = Counter()
        self._doubted_since: dict[str, datetime] = {}
        self._world = world
        self._states: dict[str, tuple[str, int]] = {}
        self._fences: dict[str, int] = {}

    @property
    def any_in_doubt(self) -> bool:
        """Whether an order is in doubt now."""
        return bool(self._doubted)

    def check(self) -> Books:
        """Judge the moment; what is wrong is in the history."""
        books = read_books(self._world.database)
        ledger = self._world.venue.orders()
        self._watch_states(books)
        self._new_intents_are_fenced(books)
        self._orders_match(books, ledger)
        self._positions_are_not_over_exited(books, ledger)
        self._account_is_not_turned(ledger)
        self._fills_are_booked_once(books, ledger)
        self._positions_add_up(books)
        check_closings(self._world, books)
        self.evaluated += 9
        return books

    def _watch_states(self, books: Books) -> None:
        """I10: an ended order stays as it is, but for fills that come late."""
        for row in books.orders:
            name, now = row["client_order_id"], row["status"]
            filled = row["filled_quantity"] or 0
            before, filled_before = self._states.get(name, ("", 0))
            if now != before:
                self.transitions[f"{before or 'new'} -> {now}"] += 1
                self._world.history.note(
                    "books", f"{name} {before or 'new'} -> {now} {filled}/{row['quantity']}"
                )
            ended = before and before not in LIVE
            is_late_fill = filled > filled_before and now == "FILLED"
            if ended and now != before and not is_late_fill:
                self._violate("I10", f"{name} was {before} and is {now}")
            self._states[name] = now, filled
            if now in _IN_DOUBT:
                self._doubted[name] += 1
                since = self._doubted_since.setdefault(name, self._world.timeline.at)
                age = (self._world.timeline.at - since).total_seconds()
                self.longest_doubt = max(self.longest_doubt, round(age))
            elif name in self._doubted:
                self.recoveries.append(self._doubted.pop(name))

    def _new_intents_are_fenced(self, books: Books) -> None:
        """I13: nobody whose account was taken over records an intent."""
        fences = {row["account"]: row["fence"] for row in books.leases}
        for row in books.orders:
            name, fence = row["client_order_id"], row.get("fence")
            if name in self._fences:
                continue
            self._fences[name] = fences.get(row["account"], 0)
            if fence is not None and fence < self._fences[name]:
                self._violate(
                    "I13", f"{name} has the fence {fence}, and its account {self._fences[name]}"
                )

    def _orders_match(self, books: Books, ledger: Sequence[LedgerOrder]) -> None:
        """I4: each order that the broker has of us is one row, and each row is one order."""
        seen = Counter(one.client_order_id for one in ledger)
        for one in ledger:
            name = one.client_order_id
            if not name.startswith(OURS):
                continue
            row = books.by_client_id.get(name)
            if row is None:
                self._violate("I4", f"the broker has {name}, and the books have no such order")
                continue
            theirs = (one.symbol, one.sells, one.quantity)
            if theirs != (row["symbol"], row["side"].startswith("SELL"), row["quantity"]):
                self._violate("I4", f"{name} is {theirs} at the broker and another in the books")
            if seen[name] > 1 and name not in self._world.doubled:
                self._violate("I4", f"{name} was placed {seen[name]} times")

    def _positions_are_not_over_exited(self, books: Books, ledger: Sequence[LedgerOrder]) -> None:
        """I1: no more is closed than was held. I2: one live order closes a position."""
        closing: dict[str, list[LedgerOrder]] = defaultdict(list)
        for one in ledger:
            row = books.by_client_id.get(one.client_order_id)
            if row is not None and one.client_order_id not in self._world.doubled:
                closing[row["refactored_position_id"]].append(one)
        for position_id, orders in closing.items():
            held = books.positions[position_id]["quantity"]
            total = sum(one.filled + one.left for one in orders)
            if total > held:
                self._violate("I1", f"{position_id} held {held} and {total} are closed or closing")
            at_work = [one.client_order_id for one in orders if one.is_open]
            if len(at_work) > 1:
                self._violate("I2", f"{position_id} has the live orders {', '.join(at_work)}")
        live = Counter(
            row["refactored_position_id"] for row in books.orders if row["status"] in LIVE
        )
        for position_id, number in live.items():
            if number > 1:
                self._violate("I2", f"the books have {number} live orders of {position_id}")

    def _account_is_not_turned(self, ledger: Sequence[LedgerOrder]) -> None:
        """I3: what was long is never short, and the other way round."""
        world = self._world
        if world.doubled:
            return
        now = world.venue.holdings()
        for symbol, first in world.first_holdings.items():
            left = now.get(symbol, 0)
            if left and (left > 0) != (first > 0):
                self._violate("I3", f"the account held {first} {symbol} and holds {left}")
            sold = sum(one.filled for one in ledger if one.symbol == symbol)
            if sold > abs(first):
                self._violate("I3", f"{sold} of the {abs(first)} {symbol} of the account are sold")

    def _fills_are_booked_once(self, books: Books, ledger: Sequence[LedgerOrder]) -> None:
        """I7: never more is booked than was filled."""
        filled: Counter[str] = Counter()
        for one in ledger:
            filled[one.client_order_id] += one.filled
        for row in books.orders:
            name, booked = row["client_order_id"], books.booked.get(row["id"], 0)
            if booked > filled[name]:
                self._violate("I7", f"{name} filled {filled[name]} and {booked} are booked")
            if booked != (row["filled_quantity"] or 0):
                self._violate(
                    "I7", f"{name} says {row['filled_quantity']} are filled, its trades {booked}"
                )

    def _positions_add_up(self, books: Books) -> None:
        """I8: quantities and money of a position are those of its executions."""
        by_order: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for trade in books.trades:
            by_order[trade["order_id"]].append(trade)
        for name, position in books.positions.items():
            orders = list(books.orders_of(name))
            trades = [trade for row in orders for trade in by_order[row["id"]]]
            excess = sum(row.get("excess_quantity") or 0 for row in orders)
            elsewhere = sum(
                position.get(column) or 0
                for column in ("settled_quantity", "external_quantity", "carried_quantity")
            )
            closed = sum(trade["quantity"] for trade in trades) - excess
            if position["exited_quantity"] != closed + elsewhere:
                self._violate(
                    "I8",
                    f"{name} has exited {position['exited_quantity']}, its fills are {closed} and"
                    f" {elsewhere} ended otherwise",
                )
            reserved = sum(
                max(row["quantity"] - (row["filled_quantity"] or 0), 0)
                for row in orders
                if row["status"] in LIVE
            )
            left = position["quantity"] - position["exited_quantity"]
            if position["reserved_quantity"] != min(reserved, left):
                self._violate(
                    "I8",
                    f"{name} has {position['reserved_quantity']} reserved, its orders {reserved}",
                )
            if not (excess or position["carried_quantity"]):
                self._money_adds_up(name, position, [*trades, *books.closings_of(name)])

    def _money_adds_up(
        self, name: str, position: dict[str, Any], told: Sequence[dict[str, Any]]
    ) -> None:
        """What it has realised is what trades and closings tell; what has no price adds nothing."""
        sign = 1 if position["side"] == "LONG" else -1
        entry = Decimal(position["entry_price"])
        gross = sum(
            (sign * (Decimal(one.get("execution_price", one.get("price"))) - entry))
            * one["quantity"]
            * 100
            for one in told
        )
        costs = sum(Decimal(one["commission"]) + Decimal(one["fees"]) for one in told)
        booked = Decimal(position["realized_pnl"] or 0), Decimal(position["realized_pnl_net"] or 0)
        if booked != (gross, gross - costs):
            self._violate(
                "I8", f"{name} has realised {booked}, and its fills come to {gross} less {costs}"
            )

    def _violate(self, invariant: str, message: str) -> None:
        self._world.history.violate(invariant, message)
