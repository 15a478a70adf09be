"""Small builders for the tests of the core: one good quote and one position, with exceptions.

Prices are given in dollars as strings, instants as New York times such as ``"10:05"`` (on the day
of the builders) or ``"2026-03-17 15:00"``; None is "not known" in both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.engine.explain import Explanation, RuleLine
from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.model.book import KINDS, MOST_RULES, Book, Kind
from exit_pipeline.core.model.decision import NO_RULE, Outcome, Urgency
from exit_pipeline.core.model.instant import SECONDS, to_micros
from exit_pipeline.core.model.price import UNKNOWN, to_dollars, to_units
from exit_pipeline.core.model.quote import QuoteFlag, QuoteGrade
from exit_pipeline.policies import parse_policy

DAY = "2026-03-18"
NEW_YORK = ZoneInfo("America/New_York")
PRICES = [name for name, kind in KINDS.items() if kind is Kind.PRICE]
INSTANTS = [name for name, kind in KINDS.items() if kind is Kind.INSTANT]
DEFAULTS = {
    "policy": 0,
    "decided_at": "10:00",
    "session_close": "16:00",
    "clock_minutes": 600,
    "last_trading_close": "2026-04-17 16:00",
    "days_to_expiration": 30,
    "days_in_trade": 2,
    "side": 1,
    "right": 1,
    "strike": "750.00",
    "quantity": 1,
    "profit_exited": 0,
    "entry_price": "2.00",
    "entry_time": "2026-03-16 11:00",
    "high_water": None,
    "intraday": False,
    "force_close": False,
    "hits": (0,) * MOST_RULES,
    "mark": "2.00",
    "bid_size": 10,
    "ask_size": 10,
    "nonfinite": False,
    "feed_age_limit": 30 * SECONDS,
    "previous_mid": None,
    "gex_direction": 0,
    "gex_strength": np.nan,
    "gex_at": None,
    "gex_previous": 0,
    "gex_entry": 0,
    "gex_latched": False,
    "underlying_price": "750.00",
    "vix": np.nan,
    "vix_at": None,
    "regime": 0,
    "entry_regime": 0,
    "gamma_sign": 0,
    "next_earnings": None,
    "next_ex_dividend": None,
    "dividend": None,
    **dict.fromkeys(
        ("iv", "delta", "gamma", "theta", "vega", "entry_iv", "vix_change", "vix_ratio",
         "confluence", "day_pnl", "drawdown"), np.nan),
}  # fmt: skip


def micros(text: str | None) -> int:
    """A New York time as microseconds since the epoch."""
    if text is None:
        return UNKNOWN
    moment = datetime.fromisoformat(text if "-" in text else f"{DAY} {text}")
    return to_micros(moment.replace(tzinfo=NEW_YORK))


def units(dollars: str | None) -> int:
    """A price in dollars as units of 1/10,000 dollar."""
    return UNKNOWN if dollars is None else to_units(dollars)


def a_row(**columns: object) -> dict[str, object]:
    """One row of a book, in the core's units.

    ``mark`` stands for a bid a cent below and an ask a cent above it; the quote and the feed are a
    second old, and nothing has been exited, unless told otherwise.
    """
    row = DEFAULTS | columns
    mark = units(row.pop("mark"))
    row |= {name: units(row[name]) for name in PRICES if name in row}
    row |= {name: micros(row[name]) for name in INSTANTS if name in row}
    derived = {
        "bid": mark - 100,
        "ask": mark + 100,
        "quoted_at": row["decided_at"] - SECONDS,
        "feed_at": row["decided_at"] - SECONDS,
        "open_quantity": row["quantity"] - row["profit_exited"],
    }
    return derived | row


def book_of(rows: Sequence[dict[str, object]]) -> Book:
    """A book of rows that are in the core's units already."""
    return Book(
        **{name: np.array([row[name] for row in rows], kind.dtype) for name, kind in KINDS.items()}
    )


def a_book(*rows: dict[str, object], **columns: object) -> Book:
    """A book of several rows, or of one with these columns."""
    return book_of([a_row(**(columns | row)) for row in rows or ({},)])


@dataclass(frozen=True, kw_only=True)
class Decided:
    """One decision in words, as a test wants to compare it."""

    outcome: str
    reason: str | None
    quantity: int
    urgency: str
    fired: frozenset[str]
    evaluable: frozenset[str]
    flags: QuoteFlag
    grade: str
    mark: str | None
    pnl_percent: float
    latched: bool
    lines: dict[str, RuleLine]
    sentences: list[str]


def decided(book: Book, *policies: Policy | str) -> list[Decided]:
    """Decide and explain a book, and say each row in words."""
    parsed = [parse_policy(one) if isinstance(one, str) else one for one in policies or ("",)]
    decisions = decide(book, parsed)
    explanation = Explanation(book, parsed, decisions)
    told = []
    for row in range(len(book)):
        reasons = parsed[book.policy[row]].reasons
        rule = int(decisions.rule[row])
        mark = to_dollars(decisions.mark[row])
        told.append(
            Decided(
                outcome=Outcome(decisions.outcome[row]).name,
                reason=None if rule == NO_RULE else reasons[rule],
                quantity=int(decisions.quantity[row]),
                urgency=Urgency(decisions.urgency[row]).name,
                fired=_bits(decisions.fired_mask[row], reasons),
                evaluable=_bits(decisions.evaluable_mask[row], reasons),
                flags=QuoteFlag(int(decisions.flags[row])),
                grade=QuoteGrade(decisions.grade[row]).name,
                mark=None if mark is None else str(mark),
                pnl_percent=float(decisions.pnl_percent[row]),
                latched=bool(decisions.gex_latched[row]),
                lines={line.reason: line for line in explanation.lines(row)},
                sentences=explanation.sentences(row),
            )
        )
    return told


def decide_one(policy: Policy | str = "", **columns: object) -> Decided:
    """The decision over one row with these columns."""
    return decided(a_book(**columns), policy)[0]


def _bits(mask: np.unsignedinteger, reasons: Sequence[str]) -> frozenset[str]:
    return frozenset(reason for bit, reason in enumerate(reasons) if int(mask) >> bit & 1)
