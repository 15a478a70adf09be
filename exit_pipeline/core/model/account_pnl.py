"""Profit and loss of an account from session to session."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountHistory:
    """What is kept of an account, dollars; None where no run kept it yet.

    Attributes:
        realised: Net of costs, of all its positions, less what they carried in.
        baseline: Open and realised P&L together at the last run of an earlier session, or else at
            the first one of this session.
        baseline_at: That run's tick.
        peak: The highest such sum of any earlier run.
    """

    realised: float
    baseline: float | None = None
    baseline_at: datetime | None = None
    peak: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPnl:
    """How an account stands at a tick, dollars.

    Attributes:
        open: Gross, of the contracts held at their marks.
        realised: Net of costs, less what positions carried in.
        peak: Highest sum of the two, this tick's included.
        day: Change of that sum since the last run of the session before; None without any run to
            compare with.
        drawdown: By how much it is below the peak, 0 or more; None likewise.
        baseline_at: Tick of the run that `day` compares with.
        unmarked: Positions without any mark, which count from their first one.
    """

    open: float
    realised: float
    peak: float
    day: float | None
    drawdown: float | None
    baseline_at: datetime | None
    unmarked: int

    @classmethod
    def of(
        cls, open_pnl: float, carried: float, history: AccountHistory, unmarked: int
    ) -> "AccountPnl":
        """Compare what is open now with what is kept.

        Args:
            open_pnl: At the marks of now.
            carried: Of positions seen now for the first time that were entered before the session.
            history: What is kept.
            unmarked: Positions left out for want of any mark.

        Example: +300 open and 200 realised, after +100 open and 150 realised at the last run of
        yesterday and a peak of 600: the day is +250 and the drawdown 100.
        """
        realised = history.realised - carried
        total = open_pnl + realised
        known = [one for one in (history.baseline, history.peak) if one is not None]
        peak = max([total, *known])
        baseline = history.baseline
        return cls(
            open=open_pnl,
            realised=realised,
            peak=peak,
            day=None if baseline is None else total - baseline,
            drawdown=None if baseline is None else peak - total,
            baseline_at=history.baseline_at,
            unmarked=unmarked,
        )
