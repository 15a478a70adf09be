"""Positions whose quotes are refused tick after tick: neither their target nor their stop works."""

from collections.abc import Sequence
from typing import Final

from exit_pipeline.core.model.quote import QuoteFlag, QuoteGrade
from exit_pipeline.core.model.record import Alert, StoredDecision
from exit_pipeline.ports import Database
from exit_pipeline.services.tick import OpenTick

REFUSED_TICKS: Final = 3
"""Ticks in a row whose quote was refused, from which on a person is told: a quarter of an hour on
the schedule of five minutes."""


def tell_refused(tick: OpenTick, decisions: Sequence[StoredDecision], database: Database) -> None:
    """Raise an alert for each position whose quotes were refused at this and the ticks before.

    Ticks of this session count. A position that could not be decided at all has an alert of its
    own, and a dry run says nothing of the positions.

    Args:
        tick: The tick.
        decisions: Its decisions, as they stand.
        database: What is kept.
    """
    refused = {
        one.position_id: one
        for one in decisions
        if one.quote_grade == QuoteGrade.BAD.name and one.quote_flags
    }
    if not refused or tick.session is None or tick.request.dry_run:
        return
    counts = database.decisions.refused_in_a_row(list(refused), tick.session.opens_at)
    alerts = [
        Alert(
            severity="WARNING",
            cause="QUOTES_REFUSED",
            subject=name,
            message=f"its quote was refused at {counts[name]} ticks in a row ({_why(one)}): "
            f"neither a target nor a stop can close it",
            run_id=one.run_id,
        )
        for name, one in refused.items()
        if counts.get(name, 0) >= REFUSED_TICKS
    ]
    database.runs.raise_alerts(alerts)


def _why(decision: StoredDecision) -> str:
    return ", ".join(str(flag.name) for flag in QuoteFlag(decision.quote_flags))
