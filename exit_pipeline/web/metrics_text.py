"""Figures as Prometheus reads them.

They are read from the database at each scrape, so they are the same whichever process is asked, and
survive its restart. Accounts are in no label: whoever reads metrics need not know them.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.lines import SEVERITIES
from exit_pipeline.core.model.quote import QuoteFlag
from exit_pipeline.core.model.vitals import Count, DayFigures, FilledOrder, Vitals
from exit_pipeline.services.heartbeat import Overdue

FILL_SECONDS: Final = (1, 5, 15, 60, 300, 900, 1800, 3600)
"""Upper bounds: within a tick's own seconds, within one slot of 300, and over several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is shown.

    Attributes:
        at: Now.
        vitals: How the whole stands.
        day: Counts of the day.
        overdue: Accounts that no good tick has looked at for too long.
    """

    at: datetime
    vitals: Vitals
    day: DayFigures
    overdue: Sequence[Overdue]


def metrics_text(figures: Figures) -> str:
    """The figures in the text format 0.0.4."""
    registry = CollectorRegistry()
    registry.register(_Given([*_standing(figures), *_counted(figures.day), *_filled(figures.day)]))
    return generate_latest(registry).decode()


class _Given(Collector):
    """Families that were computed before."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def _standing(figures: Figures) -> Iterator[Metric]:
    vitals = figures.vitals
    yield _gauge(
        "tick_age_seconds",
        "Age of the last good tick of the account with open positions that waits longest.",
        ("environment",),
        _tick_ages(figures),
    )
    yield _gauge(
        "accounts_overdue",
        "Accounts with open positions that no good tick has looked at for more than two slots.",
        (),
        {(): len(figures.overdue)},
    )
    open_positions: Counter[tuple[str, ...]] = Counter()
    for account in vitals.accounts:
        open_positions[(account.environment,)] += account.open_positions
    yield _gauge("positions_open", "Open positions.", ("environment",), open_positions)
    alerts = {(one,): vitals.alerts.get(one, 0) for one in SEVERITIES}
    yield _gauge(
        "alerts_unacknowledged", "Alerts that nobody has acknowledged.", ("severity",), alerts
    )
    states = {(state.value,): int(state is vitals.control.state) for state in TradingState}
    yield _gauge("trading_state", "1 for what may be sent now.", ("state",), states)
    if vitals.market is not None and vitals.market.newest_quote_at is not None:
        age = (figures.at - vitals.market.newest_quote_at).total_seconds()
        yield _gauge(
            "market_data_age_seconds",
            "Age of the newest price that the last good tick saw.",
            (),
            {(): age},
        )


def _tick_ages(figures: Figures) -> dict[tuple[str, ...], float]:
    ages: dict[tuple[str, ...], float] = {}
    for one in figures.vitals.accounts:
        if one.open_positions and one.last_tick_at is not None:
            age = (figures.at - one.last_tick_at).total_seconds()
            ages[(one.environment,)] = max(age, ages.get((one.environment,), age))
    return ages


def _counted(day: DayFigures) -> Iterator[Metric]:
    yield _counter(
        "runs", "Runs of accounts today, by how they ended.", ("environment", "status"), day.runs
    )
    yield _counter(
        "decisions",
        "Decisions today, by outcome and by the rule that decided.",
        ("environment", "outcome", "reason"),
        day.decisions,
    )
    yield _counter(
        "quotes_refused",
        "Quotes refused today, by cause; one with several causes counts for each.",
        ("environment", "cause"),
        _by_cause(day.refused_quotes),
    )
    states = {_values(one, ("environment", "state")): one.count for one in day.orders}
    yield _gauge(
        "orders",
        "Exit orders of today, and older ones that may still fill, by state.",
        ("environment", "state"),
        states,
    )
    unknown: Counter[tuple[str, ...]] = Counter()
    for one in day.orders:
        unknown[(one.labels["environment"],)] += (one.labels["state"] == "UNKNOWN") * one.count
    yield _gauge(
        "orders_unknown",
        "Exit orders of which it is not known whether they are at the broker.",
        ("environment",),
        unknown,
    )


def _by_cause(refused: Sequence[Count]) -> list[Count]:
    counts: Counter[tuple[str, str]] = Counter()
    for one in refused:
        flags = QuoteFlag(int(one.labels["flags"]))
        for cause in [str(flag.name) for flag in flags] or ["NOT_DECIDED"]:
            counts[one.labels["environment"], cause] += one.count
    return [
        Count(labels={"environment": environment, "cause": cause}, count=count)
        for (environment, cause), count in sorted(counts.items())
    ]


def _filled(day: DayFigures) -> Iterator[Metric]:
    environments = sorted({one.environment for one in day.filled})
    by = {name: [one for one in day.filled if one.environment == name] for name in environments}
    times = HistogramMetricFamily(
        "exit_pipeline_time_to_fill_seconds",
        "From an exit order's recorded intent to its last fill, of orders filled today.",
        labels=["environment"],
    )
    for name, filled in by.items():
        buckets, total = _time_buckets(filled)
        times.add_metric([name], buckets, total)
    yield times
    slips = {
        (name,): sum(one.slippage for one in filled if one.slippage is not None)
        for name, filled in by.items()
    }
    yield _gauge(
        "slippage_dollars",
        "What today's filled exits brought less, or cost more, than the mid they were decided on.",
        ("environment",),
        slips,
    )
    contracts = {
        (name,): sum(one.contracts for one in filled if one.slippage is not None)
        for name, filled in by.items()
    }
    yield _gauge("slippage_contracts", "Contracts of those exits.", ("environment",), contracts)


def _time_buckets(filled: Sequence[FilledOrder]) -> tuple[list[tuple[str, float]], float]:
    """Cumulative counts by upper bound, and the sum; what has no time is in none of them."""
    seconds = [max(one.seconds, 0.0) for one in filled if one.seconds is not None]
    buckets: list[tuple[str, float]] = [
        (str(float(bound)), sum(one <= bound for one in seconds)) for bound in FILL_SECONDS
    ]
    return [*buckets, ("+Inf", len(seconds))], sum(seconds)


def _gauge(name: str, text: str, labels: Sequence[str], values: Mapping[Any, float]) -> Metric:
    """A gauge; values by a tuple of its labels' values."""
    family = GaugeMetricFamily(f"exit_pipeline_{name}", text, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family


def _counter(name: str, text: str, labels: Sequence[str], counts: Sequence[Count]) -> Metric:
    family = CounterMetricFamily(f"exit_pipeline_{name}", text, labels=labels)
    for one in counts:
        family.add_metric(_values(one, labels), one.count)
    return family


def _values(one: Count, labels: Sequence[str]) -> tuple[str, ...]:
    return tuple(one.labels[label] for label in labels)
