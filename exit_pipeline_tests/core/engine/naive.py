"""The decision over one row, written a second time: plain Python, None and fractions.

It shares nothing with the core but the meaning of its inputs, so that the two can be compared.
"""

from dataclasses import dataclass
from fractions import Fraction

from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline_tests.core.engine.naive_optional import OPTIONAL

SECOND = 1_000_000
MINUTE = 60 * SECOND
BAD = {"MISSING", "NONFINITE", "CROSSED", "NO_MARKET", "STALE_FEED", "EXPIRED_QUOTE", "FUTURE",
       "EXPIRED_CONTRACT"}  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """What is compared with the core."""

    outcome: str
    reason: str | None
    quantity: int
    urgency: str
    fired: frozenset[str]
    evaluable: frozenset[str]
    flags: frozenset[str]
    grade: str
    mark: Fraction | None
    pnl_percent: Fraction | None
    latched: bool


def decide_row(row: dict[str, object], policy: Policy) -> Answer:
    """Decide one row of a book under a policy."""
    known = {name: None if value == UNKNOWN else value for name, value in row.items()}
    rules = {rule.name: rule for rule in policy.rules}
    flags = flags_of(known, policy.quotes)
    grade = "BAD" if flags & BAD else "DEGRADED" if flags else "GOOD"
    mid, mark = prices(known, grade)
    gain = None if mark is None else (mark - known["entry_price"]) * known["side"]
    judged = mark is not None and not ("WORTHLESS" in flags and known["side"] > 0)
    asked: dict[str, tuple[int, str]] = {}
    evaluable: set[str] = set()
    if "EXPIRED_CONTRACT" not in flags and known["open_quantity"] > 0:
        facts = known | {"gain": gain, "mid": mid, "mark": mark, "grade": grade, "judged": judged}
        for name, rule in rules.items():
            can, answer = RULES[name](facts, rule)
            if can:
                evaluable.add(name.upper())
            if answer is not None:
                quantity, urgency = answer
                asked[name.upper()] = (min(quantity, known["open_quantity"]), urgency)
    order = [name.upper() for name in rules if name.upper() in asked]
    full = [name for name in order if asked[name][0] == known["open_quantity"]]
    reason = (full or order or [None])[0]
    return Answer(
        outcome="HOLD" if reason is None else "FULL" if full else "PARTIAL",
        reason=reason,
        quantity=asked[reason][0] if reason else 0,
        urgency=asked[reason][1] if reason else "PATIENT",
        fired=frozenset(asked),
        evaluable=frozenset(evaluable),
        flags=frozenset(flags),
        grade=grade,
        mark=mark,
        pnl_percent=None if gain is None else Fraction(gain) / known["entry_price"] * 100,
        latched="GEX_FLIP" in asked or (row["gex_latched"] and "GEX_FLIP" not in policy.reasons),
    )


def flags_of(row, limits):
    now, last_trading_close = row["decided_at"], row["last_trading_close"]
    flags = {"NONFINITE"} if row["nonfinite"] else set()
    if last_trading_close is not None and now >= last_trading_close:
        flags.add("EXPIRED_CONTRACT")
    if row["bid"] is None or row["ask"] in (None, 0):
        return flags | {"MISSING"}
    if row["bid_size"] == 0 or row["ask_size"] == 0:
        flags.add("NO_SIZE")
    if row["feed_at"] is None or now - row["feed_at"] > row["feed_age_limit"]:
        flags.add("STALE_FEED")
    return (
        flags
        | price_flags(row["bid"], row["ask"], limits)
        | age_flags(row["quoted_at"], now, limits)
    )


def price_flags(bid, ask, limits):
    flags = {"NONFINITE"} if min(bid, ask) < 0 else set()
    if bid >= ask:
        flags.add("CROSSED" if bid > ask else "LOCKED")
    if bid == 0:
        limit = Fraction(str(limits.worthless_ask_dollars)) * 10_000
        flags.add("WORTHLESS" if ask <= limit else "NO_MARKET")
    elif is_wide(bid, ask, limits):
        flags.add("WIDE")
    return flags


def is_wide(bid, ask, limits):
    spread, mid = ask - bid, Fraction(bid + ask, 2)
    in_dollars = spread > Fraction(str(limits.wide_dollars)) * 10_000
    return in_dollars and spread > mid * Fraction(str(limits.wide_percent)) / 100


def age_flags(quoted_at, now, limits):
    if quoted_at is None:
        return {"EXPIRED_QUOTE"}
    age = Fraction(now - quoted_at, SECOND)
    if age > Fraction(str(limits.usable_age_seconds_max)):
        return {"EXPIRED_QUOTE"}
    if age > Fraction(str(limits.age_seconds_max)):
        return {"STALE_QUOTE"}
    return {"FUTURE"} if -age > Fraction(str(limits.future_seconds_max)) else set()


def prices(row, grade):
    if grade == "BAD":
        return None, None
    mid = (row["bid"] + row["ask"]) // 2
    closable = row["bid"] if row["side"] > 0 else row["ask"]
    return mid, mid if grade == "GOOD" else closable


def force_close(row, _rule):
    return True, (row["open_quantity"], "EMERGENCY") if row["force_close"] else None


def expiry(row, rule):
    if row["last_trading_close"] is None:
        return False, None
    left = row["last_trading_close"] - row["decided_at"]
    urgency = "EMERGENCY" if left <= rule.emergency_minutes_before_close * MINUTE else "FAST"
    due = left <= rule.minutes_before_close * MINUTE
    return True, (row["open_quantity"], urgency) if due else None


def profit_target(row, rule):
    if not row["judged"]:
        return False, None
    share = row["quantity"] * Fraction(str(rule.close_share_percent)) / 100
    rest = max(int(share), 1) - row["profit_exited"]
    reached = row["gain"] >= row["entry_price"] * Fraction(str(rule.percent)) / 100
    return True, (rest, "NORMAL") if reached and rest > 0 else None


def stop_loss(row, rule):
    if not row["judged"]:
        return False, None
    prices = [row["mid"]] if row["grade"] == "GOOD" else [row["mid"], row["previous_mid"]]
    limit = -row["entry_price"] * Fraction(str(rule.percent)) / 100
    beyond = all(
        price is not None and (price - row["entry_price"]) * row["side"] <= limit
        for price in prices
    )
    return True, (row["open_quantity"], "FAST") if beyond else None


def gex_flip(row, rule):
    view = row["side"] * row["right"]
    newest, earlier = row["gex_direction"] * view, {row["gex_previous"], row["gex_entry"]}
    flipped = (
        newest < 0
        and view in earlier
        and row["gex_at"] is not None
        and row["decided_at"] - row["gex_at"] < rule.age_minutes_max * MINUTE
        and row["gex_at"] > row["entry_time"]
        and row["gex_strength"] >= rule.strength_min
    )
    due = flipped or (row["gex_latched"] and newest <= 0)
    can = due or newest > 0 or (newest < 0 and earlier != {0})
    return can, (row["open_quantity"], "NORMAL") if due else None


def time_exit(row, rule):
    if row["session_close"] is None:
        return False, None
    due = row["session_close"] - row["decided_at"] <= rule.minutes_before_close * MINUTE
    applies = row["intraday"] or rule.applies_to == "all"
    return True, (row["open_quantity"], "FAST") if due and applies else None


RULES = {
    one.__name__: one
    for one in (force_close, expiry, profit_target, stop_loss, gex_flip, time_exit)
} | OPTIONAL
