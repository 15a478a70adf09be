"""What the books say of contracts that somebody else closed, against what the broker did."""

from collections import Counter
from decimal import Decimal
from typing import Any

from exit_pipeline_tests.simulation.books import Books

_CLOCKS = frozenset({"clock_ahead", "clock_behind"})


def check_closings(world: Any, books: Books) -> None:
    """I8: what counts as closed by hand was, at that price, and each contract of it once."""
    executions = world.venue.executions()
    taken: Counter[str] = Counter()
    for row in books.closings:
        if row["kind"] != "EXTERNAL":
            continue
        name, position = row["evidence_id"], books.positions[row["position_id"]]
        execution = executions.get(name)
        if execution is None:
            world.history.violate("I8", f"{name} counts as a close by hand and is none")
            continue
        taken[name] += row["quantity"]
        told = position["option_symbol"], position["side"] == "LONG", Decimal(row["price"])
        if told != (execution.symbol, execution.sells, round(execution.price, 4)):
            world.history.violate("I8", f"{name} is {execution}, and the books have {told}")
        if taken[name] > execution.quantity:
            world.history.violate(
                "I8", f"{taken[name]} contracts are counted of {name}, which had {execution}"
            )


def check_all_is_told(world: Any, books: Books) -> None:
    """L1 in the end: what Alpaca tells of closes by hand has its price in the books.

    Not so where the clock was wrong meanwhile, since an execution then seems to be of after the
    contracts were missing, nor where it may be of an order of ours whose key was never learned.
    """
    if world.plan.broker != "alpaca" or any(
        one.kind.name in _CLOCKS for one in world.plan.faults if one.index in world.struck
    ):
        return
    nameless = {row["symbol"] for row in books.orders if not row["broker_order_id"]}
    by_hand: Counter[str] = Counter()
    for execution in world.venue.executions().values():
        by_hand[execution.symbol] += execution.quantity
    for row in books.closings:
        if row["kind"] == "EXTERNAL":
            by_hand[books.positions[row["position_id"]]["option_symbol"]] -= row["quantity"]
    for name, position in books.positions.items():
        symbol = position["option_symbol"]
        priced = sum(
            row["quantity"] for row in books.closings_of(name) if row["kind"] == "EXTERNAL"
        )
        if position["external_quantity"] > priced and by_hand[symbol] and symbol not in nameless:
            world.history.violate(
                "L1", f"{name} was closed by hand, and its price was told and is not in the books"
            )
