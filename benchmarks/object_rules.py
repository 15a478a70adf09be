"""The rules as objects that judge one row at a time; most that are optional are elsewhere."""

# ruff: noqa: FBT003 the classes say what judge does; keywords would slow the loop down

from benchmarks.objects import EMERGENCY, FAST, NORMAL, Mark, ObjectRule, Row, Verdict
from exit_pipeline.core.model.instant import MINUTES
from exit_pipeline.core.model.price import UNKNOWN


class ForceClose(ObjectRule):
    """A person asked for it."""

    def judge(self, row: Row, mark: Mark) -> Verdict:  # noqa: ARG002 needs no quote
        return Verdict(row.force_close, True, row.open_quantity, EMERGENCY)


class Expiry(ObjectRule):
    """The last trading day."""

    def judge(self, row: Row, mark: Mark) -> Verdict:  # noqa: ARG002 needs no quote
        close, settings = row.last_trading_close, self.settings
        known = close != UNKNOWN
        left = close - row.decided_at
        due = known and left <= settings.minutes_before_close * MINUTES
        late = left <= settings.emergency_minutes_before_close * MINUTES
        return Verdict(due, known, row.open_quantity, EMERGENCY if late else FAST)


class ProfitTarget(ObjectRule):
    """A share of the position at a profit."""

    def judge(self, row: Row, mark: Mark) -> Verdict:
        settings = self.settings
        if not mark.priced or mark.gain * 100 < row.entry_price * settings.percent:
            return Verdict(False, mark.priced, 0, NORMAL)
        share = max(int(row.quantity * settings.close_share_percent / 100), 1)
        rest = share - row.profit_exited
        return Verdict(rest > 0, True, min(rest, row.open_quantity), NORMAL)


class StopLoss(ObjectRule):
    """All of it at a loss."""

    def judge(self, row: Row, mark: Mark) -> Verdict:
        beyond = mark.priced and self._is_beyond(row, mark.mid)
        if beyond and mark.grade:
            beyond = row.previous_mid != UNKNOWN and self._is_beyond(row, row.previous_mid)
        return Verdict(beyond, mark.priced, row.open_quantity, FAST)

    def _is_beyond(self, row: Row, price: int) -> bool:
        gain = (price - row.entry_price) * row.side
        return gain * 100 <= -row.entry_price * self.settings.percent


class GexFlip(ObjectRule):
    """The gamma signal has turned against the position."""

    def judge(self, row: Row, mark: Mark) -> Verdict:  # noqa: ARG002 needs no quote
        settings = self.settings
        view = row.side * row.right
        agreement = row.gex_direction * view
        fired = (row.gex_latched and agreement <= 0) or (
            agreement < 0
            and view in (row.gex_previous, row.gex_entry)
            and row.decided_at - row.gex_at < settings.age_minutes_max * MINUTES
            and row.gex_at > row.entry_time
            and row.gex_strength >= settings.strength_min
        )
        evaluable = (
            fired
            or agreement > 0
            or (agreement < 0 and (row.gex_previous != 0 or row.gex_entry != 0))
        )
        return Verdict(fired, evaluable, row.open_quantity, NORMAL)


class TimeExit(ObjectRule):
    """The end of the session."""

    def judge(self, row: Row, mark: Mark) -> Verdict:  # noqa: ARG002 needs no quote
        settings = self.settings
        known = row.session_close != UNKNOWN
        left = row.session_close - row.decided_at
        due = known and left <= settings.minutes_before_close * MINUTES
        applies = row.intraday or settings.applies_to == "all"
        return Verdict(due and applies, known, row.open_quantity, FAST)


class TrailingStop(ObjectRule):
    """Too much of the best profit given back."""

    def judge(self, row: Row, mark: Mark) -> Verdict:
        settings, side, best = self.settings, row.side, row.high_water
        if not mark.grade:
            best = mark.mark if best == UNKNOWN else max(best * side, mark.mark * side) * side
        can = mark.priced and best != UNKNOWN
        gain = (best - row.entry_price) * side
        if not can or gain * 100 < row.entry_price * settings.activation_percent:
            return Verdict(False, can, row.open_quantity, FAST)
        allowed = best * settings.distance_percent
        beyond = (best - mark.mid) * side * 100 >= allowed
        if beyond and mark.grade:
            before = row.previous_mid
            beyond = before != UNKNOWN and (best - before) * side * 100 >= allowed
        return Verdict(beyond, True, row.open_quantity, FAST)


class BreakEvenStop(ObjectRule):
    """A gain that has gone."""

    def judge(self, row: Row, mark: Mark) -> Verdict:
        settings, side, entry = self.settings, row.side, row.entry_price
        if not mark.priced:
            return Verdict(False, False, row.open_quantity, FAST)
        gain = 0 if row.high_water == UNKNOWN else (row.high_water - entry) * side
        if not mark.grade:
            gain = max(gain, mark.gain)
        beyond = (
            gain * 100 >= entry * settings.activation_percent
            and (mark.mid - entry) * side * 100 <= entry * settings.stop_percent
        )
        if beyond and mark.grade:
            before = row.previous_mid
            beyond = before != UNKNOWN and (
                (before - entry) * side * 100 <= entry * settings.stop_percent
            )
        return Verdict(beyond, True, row.open_quantity, FAST)
