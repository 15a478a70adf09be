"""The rules that the default policy has not, written a second time like those in `naive`.

A condition is True, False, or None where it can't be judged.
"""

from fractions import Fraction

from exit_pipeline.core.model.market_state import Regime

HOUR = 3_600_000_000


def number(value):
    """A float, or None where it is not known."""
    return None if value != value else value  # noqa: PLR0124 only NaN differs from itself


def percent(value):
    return Fraction(str(value)) / 100


def units(dollars):
    return Fraction(str(dollars)) * 10_000


def answer(row, *conditions, urgency="NORMAL"):
    """What any condition asks for; that none does is only known where each is."""
    fired = any(conditions)
    can = fired or (bool(conditions) and None not in conditions)
    return can, (row["open_quantity"], urgency) if fired else None


def at_least(value, threshold):
    return None if value is None else value >= threshold


def at_most(value, threshold):
    return None if value is None else value <= threshold


def depth(row):
    """Units in the money; None where the contract or a young price is not known."""
    fresh = row["feed_at"] is not None and (
        row["decided_at"] - row["feed_at"] <= row["feed_age_limit"]
    )
    if not fresh or not row["right"] or None in (row["strike"], row["underlying_price"]):
        return None
    return row["right"] * (row["underlying_price"] - row["strike"])


def within(row, column, hours):
    """Whether an event to come is that near; None where none is known to come."""
    event, now = row[column], row["decided_at"]
    return None if event is None or event <= now else event - now <= hours * HOUR


def best_mark(row):
    """The best GOOD mark so far; None where there was none."""
    marks = [row["high_water"], row["mark"] if row["grade"] == "GOOD" else None]
    known = [mark for mark in marks if mark is not None]
    return (max if row["side"] > 0 else min)(known, default=None)


def seen_twice(row, reached):
    """Whether the mid has reached a stop, of a doubtful quote the mid before it as well."""
    prices = [row["mid"]] if row["grade"] == "GOOD" else [row["mid"], row["previous_mid"]]
    return all(price is not None and reached(price) for price in prices)


def trailing_stop(row, rule):
    best, side, entry = best_mark(row), row["side"], row["entry_price"]
    if best is None or not row["judged"]:
        return answer(row, None)
    base = best if rule.basis == "high_water" else entry
    given_back = base * percent(rule.distance_percent)
    armed = (best - entry) * side >= entry * percent(rule.activation_percent)
    met = seen_twice(row, lambda price: (best - price) * side >= given_back)
    return answer(row, armed and met, urgency="FAST")


def break_even_stop(row, rule):
    best, side, entry = best_mark(row), row["side"], row["entry_price"]
    if not row["judged"]:
        return answer(row, None)
    gain = 0 if best is None else (best - entry) * side
    armed = gain >= entry * percent(rule.activation_percent)
    stop = entry * percent(rule.stop_percent)
    met = seen_twice(row, lambda price: (price - entry) * side <= stop)
    return answer(row, armed and met, urgency="FAST")


def assignment_risk(row, rule):
    inside = depth(row)
    if row["side"] > 0 or (inside is not None and inside <= 0):
        return answer(row, False)
    if inside is None:
        return answer(row, None)
    value = row["ask"] - inside if row["judged"] else None
    eve = within(row, "next_ex_dividend", 24 * rule.ex_dividend_days)
    if row["right"] < 0 or rule.ex_dividend_days == 0:
        eve = False
    elif eve:
        dividend = row["dividend"]
        eve = None if None in (value, dividend) else value < dividend
    last = at_most(row["days_to_expiration"], rule.expiration_days)
    if last:
        last = None if value is None else value < units(rule.extrinsic_dollars)
    return answer(row, eve, last, urgency="FAST")


def daily_loss(row, rule):
    return answer(row, at_most(number(row["day_pnl"]), -rule.limit_dollars), urgency="FAST")


def book_drawdown(row, rule):
    return answer(row, at_least(number(row["drawdown"]), rule.limit_dollars), urgency="FAST")


def regime_change(row, rule):
    was, now = row["entry_regime"], row["regime"]
    if 0 in (was, now):
        return answer(row, None)
    return answer(row, was != now and rule.to in ("any", Regime(now).name.lower()))


def vix_spike(row, rule):
    limits = {"vix": rule.level, "vix_change": rule.change_percent, "vix_ratio": rule.ratio}
    return answer(
        row,
        *(
            at_least(number(row[name]), limit)
            for name, limit in limits.items()
            if limit is not None
        ),
    )


def confluence_loss(row, rule):
    return answer(row, at_least(number(row["confluence"]), rule.against_min))


def days_to_expiration(row, rule):
    return answer(row, at_most(row["days_to_expiration"], rule.days))


def days_in_trade(row, rule):
    return answer(row, at_least(row["days_in_trade"], rule.days))


def event_ahead(row, rule):
    events = ["next_earnings", "next_ex_dividend"] if rule.ex_dividends else ["next_earnings"]
    return answer(row, *(within(row, event, rule.hours_before) for event in events))


def clock_time(row, rule):
    hours, minutes = rule.at.split(":")
    return answer(row, at_least(row["clock_minutes"], int(hours) * 60 + int(minutes)))


def delta_limit(row, rule):
    delta = number(row["delta"])
    size = None if delta is None else abs(delta)
    most = [] if rule.abs_max is None else [at_least(size, rule.abs_max)]
    least = [] if rule.abs_min is None else [at_most(size, rule.abs_min)]
    return answer(row, *most, *least)


def theta_share(row, rule):
    theta = number(row["theta"])
    if row["side"] < 0:
        return answer(row, False)
    if not row["judged"] or theta is None:
        return answer(row, None)
    loss = Fraction(round(-theta * 1_000_000), 100)
    return answer(row, loss >= row["mark"] * percent(rule.percent))


def iv_crush(row, rule):
    now, entry = number(row["iv"]), number(row["entry_iv"])
    if now is None or entry is None or now <= 0 or entry <= 0:
        return answer(row, None)
    now, entry = (round(value * 1_000_000) for value in (now, entry))
    return answer(row, entry - now >= entry * percent(rule.percent))


def underlying_touch(row, rule):
    price, inside = row["underlying_price"], depth(row)
    if depth(row | {"right": 1, "strike": 0}) is None:
        price = None
    conditions = []
    if rule.above is not None:
        conditions.append(at_least(price, units(rule.above)))
    if rule.below is not None:
        conditions.append(at_most(price, units(rule.below)))
    if rule.at_strike == "all" or (rule.at_strike == "short" and row["side"] < 0):
        conditions.append(at_least(inside, 0))
    elif rule.at_strike == "short":
        conditions.append(False)
    return answer(row, *conditions)


def short_strike_itm(row, rule):
    inside, conditions = depth(row), []
    if rule.percent is not None:
        limit = None if inside is None else row["strike"] * percent(rule.percent)
        conditions.append(at_least(inside, limit))
    if rule.dollars is not None:
        conditions.append(at_least(inside, units(rule.dollars)))
    return answer(row, *(False if row["side"] > 0 else one for one in conditions))


def remaining_reward(row, rule):
    conditions = []
    if rule.captured_percent is not None:
        gain = row["gain"] if row["judged"] else None
        conditions.append(at_least(gain, row["entry_price"] * percent(rule.captured_percent)))
    if rule.annualised_percent is not None:
        conditions.append(at_most(annualised(row), percent(rule.annualised_percent)))
    return answer(row, *(False if row["side"] > 0 else one for one in conditions))


def annualised(row):
    days = row["days_to_expiration"]
    if not row["judged"] or row["strike"] is None or days is None:
        return None
    return Fraction(row["mark"], row["strike"]) * 365 / max(days, 1)


OPTIONAL = {
    one.__name__: one
    for one in (
        trailing_stop, break_even_stop, assignment_risk, daily_loss, book_drawdown,
        regime_change, vix_spike, confluence_loss,
        days_to_expiration, days_in_trade, event_ahead, clock_time, delta_limit, theta_share,
        iv_crush, underlying_touch, short_strike_itm, remaining_reward,
    )
}  # fmt: skip
