"""What a what-if found as plain values: dollars, words, times and counts."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Final

from exit_pipeline.core.model.price import UNITS_PER_DOLLAR, to_dollars
from exit_pipeline.core.replay.comparison import Change
from exit_pipeline.core.replay.result import Totals
from exit_pipeline.services.what_if_report import HELD, Leaving, PositionRow, Tried, WhatIfReport

_MONEY: Final = ("realised", "open_gain", "drawdown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Contracts that went from one reason to another.

    Attributes:
        was: Why they left in the way that is compared with; HELD where they did not.
        now: Why they leave under the policy; likewise.
        contracts: How many.
        difference: Dollars that this made, of positions that can be valued.
    """

    was: str
    now: str
    contracts: int
    difference: Decimal


def facts_of(report: WhatIfReport) -> dict[str, Any]:
    """All of a report."""
    asked = report.request
    return {
        "from": str(asked.first),
        "to": str(asked.last),
        "of": report.label,
        "compare_to": report.compare_to,
        "code_version": report.code_version,
        "fee": asked.fee,
        "seed": asked.seed,
        "decisions": report.decisions,
        "recorded_positions": report.positions,
        "left_out": dict(report.left_out),
        "notes": list(report.notes),
        "policies": [facts_of_policy(tried) for tried in report.tried],
    }


def facts_of_policy(tried: Tried) -> dict[str, Any]:
    """One policy beside what it is compared with."""
    was, now = tried.comparison.totals()
    return {
        **asdict(tried.policy),
        "contracts": changes_of(tried),
        "baseline": facts_of_totals(was),
        "policy_totals": facts_of_totals(now),
        "difference": difference_of(tried),
        "reasons": [asdict(step) for step in steps_of(tried)],
        "record_ends": sentence_of_ends(tried),
        "positions": [facts_of_row(row) for row in tried.rows()],
    }


def changes_of(tried: Tried) -> dict[str, int]:
    """Contracts by what the policy does to their exits."""
    totals = tried.comparison.changes.sum(axis=0).tolist()
    return {change.name.lower(): totals[change] for change in Change}


def facts_of_totals(totals: Totals) -> dict[str, Any]:
    """The figures of one way; a number that is not known is None."""
    facts = {name: _plain(value) for name, value in asdict(totals).items()}
    facts |= {name: to_dollars(facts[name]) for name in _MONEY}
    return {"pnl": to_dollars(totals.pnl), **facts}


def difference_of(tried: Tried) -> dict[str, Any]:
    """The policy's P&L less the other one, dollars: of all, and of a position with its interval."""
    interval = tried.interval
    total = tried.comparison.differences().sum()
    return {
        "total": to_dollars(int(total)),
        "of_a_position": _plain(interval.mean / UNITS_PER_DOLLAR),
        "low": _plain(interval.low / UNITS_PER_DOLLAR),
        "high": _plain(interval.high / UNITS_PER_DOLLAR),
        "level": interval.level,
    }


def steps_of(tried: Tried) -> list[Step]:
    """From which reason to which other one contracts went, the most contracts first."""
    table = tried.comparison.by_reason()
    reasons = (*table.reasons, HELD)
    steps = [
        Step(
            was=reasons[one],
            now=reasons[other],
            contracts=contracts,
            difference=Decimal(int(table.difference[one, other])).scaleb(-4),
        )
        for one, row in enumerate(table.contracts.tolist())
        for other, contracts in enumerate(row)
        if contracts
    ]
    return sorted(steps, key=lambda step: -step.contracts)


def sentence_of_ends(tried: Tried) -> str:
    """For how many positions the record ends before the policy's exit does, and what that means."""
    comparison = tried.comparison
    totals = comparison.policy.totals(comparison.valued)
    held = comparison.held & (comparison.policy.left > 0)
    unknown = int((comparison.held & ~comparison.valued).sum())
    if not held.any():
        said = "The record reaches to the last exit of every position."
    else:
        open_contracts = int(comparison.policy.left[held].sum())
        said = (
            f"The record ends before the last exit of {int(held.sum()):,} of "
            f"{int(comparison.held.sum()):,} positions. Contracts still held there: "
            f"{open_contracts:,}, counted at the last price at which they could have been closed, "
            f"{_signed(to_dollars(totals.open_gain))} dollars in all."
        )
    if totals.expired_positions:
        said += f" Of these, positions whose contract has ended: {totals.expired_positions:,}."
    if unknown:
        said += (
            f" Positions of which no quote tells what they are worth: {unknown:,}; no amount "
            "counts them."
        )
    return said


def facts_of_row(row: PositionRow) -> dict[str, Any]:
    """One position."""
    position = asdict(row.position)
    return {
        "position_id": position.pop("id"),
        **position,
        "contracts": row.held,
        **{name.lower(): count for name, count in row.changes.items()},
        "baseline_pnl": row.baseline,
        "policy_pnl": row.policy,
        "difference": row.difference,
        "baseline_days_held": _plain(row.days_held[0]),
        "policy_days_held": _plain(row.days_held[1]),
        "baseline_open": row.open_contracts[0],
        "policy_open": row.open_contracts[1],
        "baseline_exits": [asdict(one) for one in row.was],
        "policy_exits": [asdict(one) for one in row.now],
    }


def with_baselines(report: WhatIfReport) -> Iterator[tuple[Tried, Totals | None]]:
    """Each policy, with the figures of what it is compared with where the one before had others."""
    before = None
    for tried in report.tried:
        was = tried.comparison.baseline
        yield tried, None if was is before else tried.comparison.totals()[0]
        before = was


def largest_first(tried: Tried) -> list[PositionRow]:
    """The positions, those with the largest differences first, and unknown ones before these."""

    def size(row: PositionRow) -> Decimal:
        is_unknown = row.difference is None and row.differs
        return Decimal("-Infinity") if is_unknown else -abs(row.difference or Decimal(0))

    return sorted(tried.rows(), key=size)


def rows_of(report: WhatIfReport) -> Iterator[dict[str, Any]]:
    """One flat row for each policy and position, as a table file has it.

    Of several exits of a position the last one is told apart; all of them are one text.
    """
    for tried in report.tried:
        for row in tried.rows():
            facts = facts_of_row(row)
            ways = (("baseline", row.was), ("policy", row.now))
            facts |= {f"{way}_exits": say_all(exits) for way, exits in ways}
            yield {
                "policy": tried.policy.label,
                "policy_hash": tried.policy.hash,
                **{f"grid {key}": value for key, value in tried.policy.at.items()},
                **facts,
                **{name: value for way, exits in ways for name, value in _last(way, exits)},
            }


def _last(way: str, exits: Sequence[Leaving]) -> Iterator[tuple[str, Any]]:
    last = exits[-1]
    yield f"{way}_at", last.at
    yield f"{way}_reason", last.reason
    yield f"{way}_price", last.price


def say_all(exits: Sequence[Leaving]) -> str:
    """What left a position, in a few words.

    Example: ``5 PROFIT_TARGET at 3.04, 5 STILL_HELD at 1.34``.
    """
    return ", ".join(
        f"{one.contracts} {one.reason} at {'-' if one.price is None else f'{one.price:.2f}'}"
        for one in exits
    )


def at_points(report: WhatIfReport) -> Mapping[str, Sequence[str]]:
    """The values of a grid by threshold, in the order of the request; empty without a grid."""
    points: dict[str, dict[str, None]] = {}
    for tried in report.tried:
        for key, value in tried.policy.at.items():
            points.setdefault(key, {})[value] = None
    return {key: list(values) for key, values in points.items()}


def _signed(dollars: Decimal | None) -> str:
    return "-" if dollars is None else f"{dollars:+,.2f}"


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
