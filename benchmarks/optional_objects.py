"""The rules that the default policy has not, as objects that judge one row at a time."""

# ruff: noqa: FBT003 the classes say what judge does; keywords would slow the loop down

from benchmarks.objects import FAST, NORMAL, Mark, ObjectRule, Row, Verdict
from exit_pipeline.core.model.instant import DAYS, MINUTES
from exit_pipeline.core.model.market_state import Regime
from exit_pipeline.core.model.price import UNKNOWN


def depth_of(row: Row) -> int:
    """Units in the money; UNKNOWN where the contract or a young price is not known."""
    price, strike = row.underlying_price, row.strike
    if UNKNOWN in (price, strike) or not row.right:
        return UNKNOWN
    if row.decided_at - row.feed_at > row.feed_age_limit:
        return UNKNOWN
    return row.right * (price - strike)


class AssignmentRisk(ObjectRule):
    """A short contract that its holder may exercise."""

    def judge(self, row: Row, mark: Mark) -> Verdict:
        if row.side > 0:
            return Verdict(False, True, row.open_quantity, FAST)
        depth = depth_of(row)
        if depth <= 0:
            return Verdict(False, depth != UNKNOWN, row.open_quantity, FAST)
        value = row.ask - depth
        eve, can = self._before_dividend(row, mark, value)
        days = row.days_to_expiration
        last = days != UNKNOWN and days <= self.settings.expiration_days
        can = can and days != UNKNOWN and (not last or mark.priced)
        last = last and mark.priced and value < self.settings.extrinsic_dollars * 10_000
        return Verdict(eve or last, can or eve or last, row.open_quantity, FAST)

    def _before_dividend(self, row: Row, mark: Mark, value: int) -> tuple[bool, bool]:
        """Whether it fires, and whether that can be said."""
        days = self.settings.ex_dividend_days
        if row.right < 0 or not days:
            return False, True
        left = row.next_ex_dividend - row.decided_at
        if left <= 0 or left > days * DAYS:
            return False, left > 0
        can = mark.priced and row.dividend != UNKNOWN
        return can and value < row.dividend, can


class DailyLoss(ObjectRule):
    """The account's day."""

    def judge(self, row: Row, mark: Mark) -> Verdict:  # noqa: ARG002 needs no quote
        pnl = row.day_pnl
        due = pnl <= -self.settings.limit_dollars
        return Verdict(due, pnl == pnl, row.open_quantity, FAST)  # noqa: PLR0124 not NaN


class BookDrawdown(ObjectRule):
    """The account's fall from its best."""

    def judge(self, row: Row, mark: Mark) -> Verdict:  # noqa: ARG002 needs no quote
        fall = row.drawdown
        due = fall >= self.settings.limit_dollars
        return Verdict(due, fall == fall, row.open_quantity, FAST)  # noqa: PLR0124 not NaN


class RegimeChange(ObjectRule):
    """The market moves otherwise than at entry."""

    def judge(self, row: Row, mark: Mark) -> Verdict:  # noqa: ARG002 needs no quote
        was, now = row.entry_regime, row.regime
        can = was != 0 and now != 0
        due = can and was != now and self.settings.to in ("any", Regime(now).name.lower())
        return Verdict(due, can, row.open_quantity, NORMAL)


class VixSpike(ObjectRule):
    """Expected volatility has jumped."""

    def judge(self, row: Row, mark: Mark) -> Verdict:  # noqa: ARG002 needs no quote
        settings, can, due = self.settings, True, False
        readings = (
            (row.vix, settings.level),
            (row.vix_change, settings.change_percent),
            (row.vix_ratio, settings.ratio),
        )
        for reading, limit in readings:
            if limit is not None:
                due = due or reading >= limit
                can = can and reading == reading  # noqa: PLR0124 not NaN
        return Verdict(due, can or due, row.open_quantity, NORMAL)


class ConfluenceLoss(ObjectRule):
    """The context speaks against the position."""

    def judge(self, row: Row, mark: Mark) -> Verdict:  # noqa: ARG002 needs no quote
        against = row.confluence
        due = against >= self.settings.against_min
        return Verdict(due, against == against, row.open_quantity, NORMAL)  # noqa: PLR0124 not NaN


class DaysToExpiration(ObjectRule):
    """Days before the end."""

    def judge(self, row: Row, mark: Mark) -> Verdict:  # noqa: ARG002 needs no quote
        days = row.days_to_expiration
        can = days != UNKNOWN
        return Verdict(can and days <= self.settings.days, can, row.open_quantity, NORMAL)


class DaysInTrade(ObjectRule):
    """Days after the entry."""

    def judge(self, row: Row, mark: Mark) -> Verdict:  # noqa: ARG002 needs no quote
        days = row.days_in_trade
        return Verdict(days >= self.settings.days, days != UNKNOWN, row.open_quantity, NORMAL)


class EventAhead(ObjectRule):
    """Earnings, and ex-dividend days where asked for."""

    def judge(self, row: Row, mark: Mark) -> Verdict:  # noqa: ARG002 needs no quote
        settings, can, due = self.settings, True, False
        span = settings.hours_before * 60 * MINUTES
        events = (row.next_earnings, row.next_ex_dividend)
        for event in events if settings.ex_dividends else events[:1]:
            left = event - row.decided_at
            due = due or 0 < left <= span
            can = can and left > 0
        return Verdict(due, can or due, row.open_quantity, NORMAL)


class ClockTime(ObjectRule):
    """A time of day."""

    def judge(self, row: Row, mark: Mark) -> Verdict:  # noqa: ARG002 needs no quote
        clock, at = row.clock_minutes, self.settings.at
        due = clock >= 60 * int(at[:2]) + int(at[3:])
        return Verdict(due, clock != UNKNOWN, row.open_quantity, NORMAL)


class DeltaLimit(ObjectRule):
    """Too much, or too little, like the underlying."""

    def judge(self, row: Row, mark: Mark) -> Verdict:  # noqa: ARG002 needs no quote
        settings, size = self.settings, abs(row.delta)
        due = settings.abs_max is not None and size >= settings.abs_max
        due = due or (settings.abs_min is not None and size <= settings.abs_min)
        return Verdict(due, size == size, row.open_quantity, NORMAL)  # noqa: PLR0124 not NaN


class ThetaShare(ObjectRule):
    """A day costs too much."""

    def judge(self, row: Row, mark: Mark) -> Verdict:
        theta = row.theta
        if row.side < 0:
            return Verdict(False, True, row.open_quantity, NORMAL)
        if not mark.priced or theta != theta:  # noqa: PLR0124 NaN
            return Verdict(False, False, row.open_quantity, NORMAL)
        due = round(-theta * 1_000_000) * 100 >= mark.mark * self.settings.percent * 100
        return Verdict(due, True, row.open_quantity, NORMAL)


class IvCrush(ObjectRule):
    """The implied volatility has gone."""

    def judge(self, row: Row, mark: Mark) -> Verdict:  # noqa: ARG002 needs no quote
        if not (row.iv > 0 and row.entry_iv > 0):
            return Verdict(False, False, row.open_quantity, NORMAL)
        now, entry = round(row.iv * 1_000_000), round(row.entry_iv * 1_000_000)
        due = (entry - now) * 100 >= entry * self.settings.percent
        return Verdict(due, True, row.open_quantity, NORMAL)


class UnderlyingTouch(ObjectRule):
    """The underlying has reached a price or a strike."""

    def judge(self, row: Row, mark: Mark) -> Verdict:  # noqa: ARG002 reads no mark
        settings, price, due, can = self.settings, row.underlying_price, False, True
        if settings.above is not None or settings.below is not None:
            can = price != UNKNOWN and row.decided_at - row.feed_at <= row.feed_age_limit
            above = settings.above is not None and price >= settings.above * 10_000
            below = settings.below is not None and price <= settings.below * 10_000
            due = can and (above or below)
        if settings.at_strike == "all" or (settings.at_strike == "short" and row.side < 0):
            depth = depth_of(row)
            due, can = due or depth >= 0, can and depth != UNKNOWN
        return Verdict(due, can or due, row.open_quantity, NORMAL)


class ShortStrikeItm(ObjectRule):
    """A short contract has gone into the money."""

    def judge(self, row: Row, mark: Mark) -> Verdict:  # noqa: ARG002 reads no mark
        settings = self.settings
        if row.side > 0:
            return Verdict(False, True, row.open_quantity, NORMAL)
        depth = depth_of(row)
        if depth == UNKNOWN:
            return Verdict(False, False, row.open_quantity, NORMAL)
        due = settings.percent is not None and depth * 100 >= row.strike * settings.percent
        due = due or (settings.dollars is not None and depth >= settings.dollars * 10_000)
        return Verdict(due, True, row.open_quantity, NORMAL)


class RemainingReward(ObjectRule):
    """Little is left to earn."""

    def judge(self, row: Row, mark: Mark) -> Verdict:
        settings, due, can = self.settings, False, mark.priced
        if row.side > 0:
            return Verdict(False, True, row.open_quantity, NORMAL)
        if settings.captured_percent is not None:
            due = can and mark.gain * 100 >= row.entry_price * settings.captured_percent
        if settings.annualised_percent is not None:
            strike, days = row.strike, row.days_to_expiration
            can = can and UNKNOWN not in (strike, days)
            least = strike * max(days, 1) * settings.annualised_percent
            due = due or (can and mark.mark * 36_500 <= least)
        return Verdict(due, can or due, row.open_quantity, NORMAL)
