"""Stories of positions and their market, one step for each tick; each is told at every broker."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from exit_pipeline_tests.desk import CALL, MORNING, PUT
from exit_pipeline_tests.fakes import new_york

Market = Mapping[str, tuple[str, str]]
"""Bid and ask by symbol."""

EVERYWHERE: Final = ("alpaca", "tradier", "paper")
VENDORS: Final = ("alpaca", "tradier")

FRIDAY: Final = date(2026, 3, 20)
WEEKLY: Final = "ACME260320C00100000"


@dataclass(frozen=True, kw_only=True)
class Held:
    """A position at the beginning: contracts, side, entry price, and what is open at the end."""

    symbol: str = CALL
    side: str = "LONG"
    quantity: int = 1
    entry: str = "2.00"
    left: int = 0


@dataclass(frozen=True, kw_only=True)
class Step:
    """One tick.

    Attributes:
        market: What the tick sees.
        exchange: What orders fill against, where that is another market.
        size: Contracts that each side takes; None is no bound, 0 lets everything rest.
        events: What happens at the broker just before, by method of ``Desk``.
        at: When; None is five minutes after the step before.
    """

    market: Market
    exchange: Market | None = None
    size: int | None = None
    events: tuple[str, ...] = ()
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A story, which ends with its last step where nothing is killed.

    Attributes:
        steps: One for each tick; the last one's market stays.
        held: Positions by their ids.
        brokers: Where it can be told.
        share: Last price of the underlying.
        asked_for: Positions that a person wants closed, from the beginning on.
        asked_in_vain: Positions of which a person wanted it until before the beginning.
        ends_with: Cause of the alert that a position may end with instead of what is planned.
    """

    steps: tuple[Step, ...]
    held: Mapping[str, Held] = field(default_factory=lambda: {"a": Held()})
    brokers: tuple[str, ...] = EVERYWHERE
    share: str = "101.00"
    asked_for: tuple[str, ...] = ()
    asked_in_vain: tuple[str, ...] = ()
    ends_with: str = ""

    def step(self, number: int) -> tuple[Step, datetime]:
        """The step of a tick and its time; what comes after the last one is like it."""
        at, slot = MORNING, timedelta(minutes=5)
        for index in range(number + 1):
            step = self.steps[min(index, len(self.steps) - 1)]
            told = step.at if index < len(self.steps) else None
            at = told or (at + slot if index else at)
        last = self.steps[-1]
        # What happened once does not happen again.
        calm = Step(market=last.market, exchange=last.exchange, size=last.size)
        return (self.steps[number] if number < len(self.steps) else calm), at


STOP: Final = {CALL: ("1.35", "1.45")}
LOWER: Final = {CALL: ("1.00", "1.10")}
PROFIT: Final = {CALL: ("3.10", "3.20")}
CALM: Final = {CALL: ("2.00", "2.10")}
PAIR: Final = {"a": Held(quantity=2)}

SCENARIOS: Final[Mapping[str, Scenario]] = {
    "a plain exit": Scenario(steps=(Step(market=STOP), Step(market=STOP))),
    "a short's exit": Scenario(
        held={"a": Held(symbol=PUT, side="SHORT", quantity=2)},
        steps=(Step(market={PUT: ("2.60", "2.70")}), Step(market={PUT: ("2.60", "2.70")})),
    ),
    "half at the profit target, the rest at the stop": Scenario(
        held={"a": Held(quantity=4)},
        steps=(Step(market=PROFIT), Step(market=PROFIT), Step(market=STOP), Step(market=STOP)),
    ),
    "a stop pre-empts a resting profit": Scenario(
        held=PAIR,
        steps=(Step(market=PROFIT, size=0), Step(market=STOP), Step(market=STOP)),
    ),
    "a stop is repriced": Scenario(
        held=PAIR,
        steps=(
            Step(market=STOP, exchange=LOWER), Step(market=LOWER), Step(market=LOWER),
        ),
    ),
    "a partial fill, then the rest": Scenario(
        held={"a": Held(quantity=3)},
        steps=(Step(market=STOP, size=1), Step(market=STOP), Step(market=STOP)),
    ),
    "a cancel is confirmed late": Scenario(
        held=PAIR,
        brokers=VENDORS,
        steps=(
            Step(market=STOP, exchange=LOWER),
            Step(market=LOWER, size=0, events=("delay_cancels",)),
            Step(market=LOWER, events=("confirm_cancels",)),
            Step(market=LOWER),
        ),
    ),
    "a fill during the cancel": Scenario(
        held=PAIR,
        brokers=VENDORS,
        steps=(
            Step(market=STOP, exchange=LOWER),
            Step(market=LOWER, size=0, events=("delay_cancels",)),
            Step(market=LOWER, events=("fill_one_of_cancelling", "confirm_cancels")),
            Step(market=LOWER),
        ),
    ),
    "an order is rejected": Scenario(
        brokers=VENDORS,
        steps=(
            Step(market=STOP, events=("reject_orders",)),
            Step(market=STOP, events=("take_orders",)),
            Step(market=STOP),
        ),
    ),
    "the answer is lost": Scenario(
        brokers=VENDORS,
        steps=(Step(market=STOP, events=("lose_an_answer",)), Step(market=STOP), Step(market=STOP)),
    ),
    "the request is lost": Scenario(
        brokers=VENDORS,
        steps=(
            Step(market=STOP, events=("lose_a_request",)),
            Step(market=STOP), Step(market=STOP), Step(market=STOP),
        ),
    ),
    "an expiry is settled": Scenario(
        held={"a": Held(symbol=WEEKLY, quantity=2, entry="0.20")},
        share="95.00",
        ends_with="EXPIRED_NOT_SETTLED",
        steps=(
            Step(market={WEEKLY: ("0.05", "0.15")}, size=0, at=new_york(FRIDAY, 15, 50)),
            Step(market={WEEKLY: ("0.05", "0.15")}, size=0, at=new_york(FRIDAY, 15, 55)),
            Step(market={}, at=new_york(FRIDAY, 16, 10), events=("end_the_day", "expire_holdings")),
            Step(market={}),
        ),
    ),
    "two positions of one contract": Scenario(
        held={"a": Held(), "b": Held(quantity=2, entry="1.50")},
        steps=(Step(market=STOP), Step(market=LOWER), Step(market=LOWER)),
    ),
    "a person wants it closed": Scenario(
        held=PAIR,
        asked_for=("a",),
        asked_in_vain=("a",),
        steps=(Step(market=CALM), Step(market=CALM)),
    ),
    "a position is closed by hand": Scenario(
        held=PAIR,
        brokers=VENDORS,
        steps=(
            Step(market=CALM, events=("sell_by_hand",)),
            Step(market=CALM), Step(market=CALM), Step(market=CALM),
        ),
    ),
}  # fmt: skip
