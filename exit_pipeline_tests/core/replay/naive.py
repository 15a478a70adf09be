"""A policy followed along one path as ticks do it: a row, its decision, what it leaves, the next.

It shares nothing with the replay but ``decide`` on a single row; what the tick makes of a decision
is asked of what prices and guards real orders.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.engine.price_orders import price_order
from exit_pipeline.core.engine.spread_guard import Guarding, guard_spread
from exit_pipeline.core.model.book import MOST_RULES
from exit_pipeline.core.model.decision import Outcome, Urgency
from exit_pipeline.core.model.order import OrderSide
from exit_pipeline.core.model.price import UNKNOWN, to_dollars
from exit_pipeline.core.model.quote import QuoteGrade


@dataclass
class State:
    """What a position and its policy carry from tick to tick."""

    held: int
    profited: int
    best: int
    mid: int
    hits: list[int]
    latched: bool
    session: int | None = None


def follow_path(book, first, end, policy, *, same_policy=False, record=None):
    """The exits on some rows, as (row, contracts, reason), and what is still held after them.

    Args:
        book: Recorded rows.
        first: Of the path.
        end: Of the path.
        policy: The one to follow.
        same_policy: It is the recorded one, whose counts are taken up.
        record: Gets what was decided on at each row, and what was decided.
    """
    state = State(
        held=int(book.open_quantity[first]),
        profited=int(book.profit_exited[first]),
        best=int(book.high_water[first]),
        mid=int(book.previous_mid[first]),
        hits=book.hits[first].tolist() if same_policy else [0] * MOST_RULES,
        latched=bool(book.gex_latched[first]),
    )
    exits = []
    for row in range(first, end):
        if state.held <= 0:
            break
        exits += tick(book.take(slice(row, row + 1)), row, state, policy, record)
    return exits, state.held


def tick(recorded, row, state, policy, record=None):
    """Decide one row, and take out what leaves."""
    session = int(recorded.session_close[0])
    if state.session is not None and (session != state.session or session == UNKNOWN):
        state.hits, state.mid = [0] * MOST_RULES, UNKNOWN
    book = replace(
        recorded,
        open_quantity=np.array([state.held]),
        profit_exited=np.array([state.profited]),
        high_water=np.array([state.best]),
        previous_mid=np.array([state.mid]),
        hits=np.array([state.hits], np.uint8),
        gex_latched=np.array([state.latched]),
    )
    decisions = decide(book, [policy])
    if record is not None:
        record.append((book, decisions))
    remember(book, decisions, state)
    state.session = session
    if decisions.outcome[0] == Outcome.HOLD or not is_sent(book, decisions, policy):
        return []
    quantity, reason = int(decisions.quantity[0]), policy.reasons[decisions.rule[0]]
    state.held -= quantity
    if reason == "PROFIT_TARGET" and decisions.outcome[0] == Outcome.PARTIAL:
        state.profited += quantity
    return [(row, quantity, reason)]


def remember(book, decisions, state):
    state.hits = decisions.hits[0].tolist()
    state.latched = bool(decisions.gex_latched[0])
    usable = decisions.grade[0] != QuoteGrade.BAD
    state.mid = int(book.bid[0] + book.ask[0]) // 2 if usable else UNKNOWN
    if decisions.grade[0] == QuoteGrade.GOOD:
        mark = int(decisions.mark[0])
        better = max if book.side[0] > 0 else min
        state.best = mark if state.best == UNKNOWN else better(state.best, mark)


def is_sent(book, decisions, policy):
    """Whether the quote gives a price that the policy would send an order at."""
    bid, ask = to_dollars(int(book.bid[0])), to_dollars(int(book.ask[0]))
    if decisions.grade[0] == QuoteGrade.BAD or bid is None or ask is None:
        return False
    urgency = Urgency(decisions.urgency[0])
    guard = guard_spread(bid, ask, urgency, policy.prices.guard_spread_percent)
    side = OrderSide.SELL_TO_CLOSE if book.side[0] > 0 else OrderSide.BUY_TO_CLOSE
    prices = policy.prices
    price = price_order(side, "SPY", Decimal(bid), Decimal(ask), prices.reach(urgency, 0), prices)
    return guard is not Guarding.DELAYS and price is not None
