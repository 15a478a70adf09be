"""How much of the context is against each position, and how much speaks for holding it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from exit_pipeline.core.context.columns import ContextColumns
from exit_pipeline.core.context.confidence import Confidence, ConfidenceSettings, judge_confidence
from exit_pipeline.core.context.confluence import Confluence, ConfluenceSettings, find_confluence
from exit_pipeline.core.context.freshness import freshness
from exit_pipeline.core.context.signal_votes import Listeners, SignalSettings, count_votes
from exit_pipeline.core.model.context import GexHistory, MarketContext
from exit_pipeline.core.model.contract import OptionRight
from exit_pipeline.core.model.instant import MINUTES, to_micros
from exit_pipeline.core.model.position import Position, PositionSide
from exit_pipeline.services.tick import ContextTick

SIGNAL_SETTINGS: Final = SignalSettings()
CONFLUENCE_SETTINGS: Final = ConfluenceSettings()
CONFIDENCE_SETTINGS: Final = ConfidenceSettings()
GAMMA_MINUTES: Final = 240
"""After so long a gamma signal has no freshness left: as long as it may make an exit, unless a
policy says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedContext:
    """What the context says of each position, in the order of the rows.

    Attributes:
        columns: What it was judged from.
        confluence: How much is against it.
        confidence: How much speaks for holding it.
    """

    columns: ContextColumns
    confluence: Confluence
    confidence: Confidence

    def confidences(self) -> list[int | None]:
        """Whole points 0 to 100; None where nothing has data."""
        return [None if np.isnan(one) else int(one) for one in self.confidence.confidence.tolist()]

    def calculations(self) -> list[dict[str, Any]]:
        """The parts of the confidence of each row, points."""
        parts = ("vix", "trend", "bias", "context", "positioning", "gamma", "confluence")
        columns = [getattr(self.confidence, name).tolist() for name in parts]
        rows = zip(*columns, strict=True)
        return [
            {"confidence": dict(zip(parts, row, strict=True)), "note": note}
            for row, note in zip(rows, self.confidence.note.tolist(), strict=True)
        ]

    def voices(self) -> list[dict[str, Any]]:
        """Of each row, which parts of the confluence were heard and which oppose, by weight."""
        heard = {name: one.heard.tolist() for name, one in self.confluence.voices.items()}
        against = {name: one.opposing.tolist() for name, one in self.confluence.voices.items()}
        notes = self.confluence.note.tolist()
        return [
            {
                "heard": {name: column[row] for name, column in heard.items() if column[row]},
                "against": {name: column[row] for name, column in against.items() if column[row]},
                "note": notes[row],
            }
            for row in range(len(notes))
        ]


def judge_context(known: ContextTick, positions: Sequence[Position]) -> JudgedContext:
    """Judge the context for each position; what is not known is NaN and named in notes."""
    at, context = known.tick.at, known.context
    columns = _columns(known, positions)
    listeners = Listeners(
        underlying=[position.underlying for position in positions],
        timeframe=[position.timeframe for position in positions],
        view=columns.view,
        entry_time=_column(positions, lambda p: to_micros(p.entry_time), np.int64),
        decided_at=np.full(len(positions), to_micros(at)),
    )
    votes = count_votes(context.signals, listeners, SIGNAL_SETTINGS)
    confluence = find_confluence(columns, votes, CONFLUENCE_SETTINGS)
    return JudgedContext(
        columns=columns,
        confluence=confluence,
        confidence=judge_confidence(columns, confluence.against, CONFIDENCE_SETTINGS),
    )


def _columns(known: ContextTick, positions: Sequence[Position]) -> ContextColumns:
    at, context = known.tick.at, known.context
    side = _column(positions, lambda p: 1 if p.side is PositionSide.LONG else -1, np.int8)
    histories = [context.gex.get(position.underlying) for position in positions]
    made_at = _column(histories, lambda h: to_micros(h.newest.at if h else None), np.int64)
    vix = context.fresh_vix(at)
    return ContextColumns(
        view=(side * _column(positions, _right, np.int8)).astype(np.int8),
        side=side,
        vix=np.full(len(positions), np.nan if vix is None or vix <= 0 else vix),
        trend=_numbers(positions, lambda p: _trend(context, p, "trend")),
        bias=_numbers(positions, lambda p: _trend(context, p, "bias")),
        regime=_numbers(positions, lambda p: context.regimes.get(p.underlying)),
        gamma=_numbers(histories, _gamma),
        gamma_freshness=freshness(
            made_at, np.full(len(positions), to_micros(at)), GAMMA_MINUTES * MINUTES
        ),
    )


def _trend(context: MarketContext, position: Position, name: str) -> float | None:
    view = context.trends.get(position.underlying)
    value: float | None = getattr(view, name) if view else None
    return value


def _gamma(history: GexHistory | None) -> float | None:
    return history.newest.strength * history.newest.direction if history else None


def _right(position: Position) -> int:
    if position.contract is None:
        return 0
    return 1 if position.contract.right is OptionRight.CALL else -1


def _column(rows: Sequence[Any], value: Callable[..., int], dtype: type[Any]) -> np.ndarray:
    return np.fromiter((value(row) for row in rows), dtype, len(rows))


def _numbers(rows: Sequence[Any], value: Callable[..., float | None]) -> np.ndarray:
    known = (value(row) for row in rows)
    return np.fromiter((np.nan if one is None else one for one in known), np.float64, len(rows))
