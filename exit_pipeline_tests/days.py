"""Trading days without a database, for tests of what is made of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.random_book import random_book
from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.model.book import Book
from exit_pipeline.core.model.day_record import (
    DayAlert,
    DayAsked,
    DayOrder,
    DayPosition,
    DayRecord,
    DayTick,
    Leaving,
)
from exit_pipeline.core.model.price import to_dollars
from exit_pipeline.core.model.recorded import RecordedDecisions, RecordedPolicy, RecordedRun
from exit_pipeline.core.replay.made_outcome import made_outcome
from exit_pipeline.policies import parse_policy
from exit_pipeline.services.day_report import DayReport, report_day
from exit_pipeline.services.day_request import ReportedDay
from exit_pipeline_tests.fakes import NEW_YORK, FakeCalendar, new_york
from exit_pipeline_tests.recorded import at_ticks

DAY = date(2026, 3, 17)
SESSION = FakeCalendar().session(DAY)
EVENING = new_york(DAY, 17)
ASKED = DayAsked(
    start=datetime.combine(DAY, time(), NEW_YORK),
    end=datetime.combine(DAY, time(), NEW_YORK) + timedelta(days=1),
    environment="paper",
)
CHOSEN = ReportedDay(session=SESSION, asked=ASKED, others=())


def at(hour: int, minute: int = 0) -> datetime:
    """A moment of the day."""
    return new_york(DAY, hour, minute)


def a_tick(hour: int, minute: int = 0, **other: Any) -> DayTick:
    """A good tick of the account ``desk``."""
    values: dict[str, Any] = {
        "account": "desk", "tick_at": at(hour, minute), "mode": "live", "status": "SUCCEEDED",
        "reason": "", "is_scheduled": True, "started_at": at(hour, minute),
        "market_source": "fake", "day_pnl": Decimal(10),
    }  # fmt: skip
    return DayTick(**values | other)


def a_position(name: str = "a", **other: Any) -> DayPosition:
    """Ten calls, bought at 2.00."""
    values: dict[str, Any] = {
        "account": "desk", "option_symbol": "ACME260417C00100000", "side": "LONG", "quantity": 10,
        "entry_price": Decimal("2.00"),
    }  # fmt: skip
    return DayPosition(id=name, **values | other)


def an_order(name: str = "a", **other: Any) -> DayOrder:
    """Five contracts sold at 2.90, of a market of 2.90 to 3.10."""
    values: dict[str, Any] = {
        "at": at(10, 5), "side": "SELL_TO_CLOSE", "quantity": 5, "filled_quantity": 5,
        "average_price": Decimal("2.90"), "limit_price": Decimal("2.90"),
        "worst_price": Decimal("2.70"), "bid": Decimal("2.90"), "ask": Decimal("3.10"),
        "exit_reason": "PROFIT_TARGET", "urgency": "NORMAL", "attempt": 1, "status": "FILLED",
        "why": "",
    }  # fmt: skip
    return DayOrder(position_id=name, **values | other)


def a_leaving(name: str = "a", **other: Any) -> Leaving:
    """Those five contracts."""
    values: dict[str, Any] = {
        "at": at(10, 5), "contracts": 5, "price": Decimal("2.90"), "costs": Decimal("3.35"),
        "reason": "PROFIT_TARGET",
    }  # fmt: skip
    return Leaving(position_id=name, **values | other)


def an_alert(**other: Any) -> DayAlert:
    """A warning that nobody has acknowledged."""
    values: dict[str, Any] = {
        "at": at(10, 5), "severity": "WARNING", "cause": "EXIT_DELAYED", "subject": "a",
        "message": "It waits.", "acknowledged_at": None, "acknowledged_by": None,
    }  # fmt: skip
    return DayAlert(**values | other)


def recorded(book: Book, names: Sequence[str], text: str = "default") -> RecordedDecisions:
    """What ticks would have recorded of a book, a row of the position of that place each."""
    policies = [parse_policy(text)]
    ids = np.array([name.encode() for name in names])
    order = np.lexsort((book.decided_at, ids))
    book, ids = book.take(order), ids[order]
    return RecordedDecisions(
        book=book,
        outcome=made_outcome(decide(book, policies), policies, book.policy),
        ids=np.array([f"d{row}".encode() for row in range(len(book))]),
        positions=ids,
        run=np.zeros(len(book), np.int32),
        runs=[
            RecordedRun(
                id="r", environment="paper", account="desk", mode="live", dry_run=False,
                code_version="v1",
            )
        ],
        policies=[RecordedPolicy(hash=p.hash, text=p.canonical_json()) for p in policies],
    )  # fmt: skip


@dataclass
class Day:
    """A day's record, changed at will before its report is made."""

    decisions: RecordedDecisions
    positions: list[DayPosition]
    ticks: list[DayTick] = field(default_factory=list)
    orders: list[DayOrder] = field(default_factory=list)
    leavings: list[Leaving] = field(default_factory=list)
    alerts: list[DayAlert] = field(default_factory=list)

    def report(
        self, due: Sequence[datetime] = (), chosen: ReportedDay = CHOSEN, now: datetime = EVENING
    ) -> DayReport:
        """The report of it."""
        record = DayRecord(
            ticks=self.ticks, positions=self.positions, orders=self.orders,
            leavings=self.leavings, alerts=self.alerts,
        )  # fmt: skip
        database: Any = SimpleNamespace(
            day=SimpleNamespace(record=lambda _: record),
            replays=SimpleNamespace(recorded_of=lambda *_: self.decisions),
        )
        return report_day(chosen, due, database=database, at=now)


def a_random_day(positions: int, text: str = "default", name: str = "p") -> Day:
    """Positions that were looked at at every tick of a full session, each with an order."""
    ticks = [*SESSION.ticks()]
    rows = positions * len(ticks)
    book = at_ticks(random_book(rows, seed=7), ticks)
    # Each tick has all positions, and each position its own entry and contracts all day.
    own = {
        column: np.tile(getattr(book, column)[:positions], len(ticks))
        for column in ("entry_price", "side", "quantity", "open_quantity", "high_water")
    }
    names = [f"{name}{number:03}" for number in range(positions)]
    return Day(
        decisions=recorded(replace(book, **own), names * len(ticks), text),
        positions=[
            a_position(
                one,
                entry_price=to_dollars(int(own["entry_price"][row])),
                side="LONG" if own["side"][row] > 0 else "SHORT",
                quantity=int(own["quantity"][row]),
            )
            for row, one in enumerate(names)
        ],
        ticks=[a_tick(9, 30, tick_at=one, started_at=one) for one in ticks],
        orders=[an_order(one) for one in names],
        leavings=[a_leaving(one, contracts=1) for one in names],
        alerts=[an_alert(subject=one) for one in names],
    )
