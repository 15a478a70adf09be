"""A past day, worked from a tape tick by tick."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg

from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.core.model.session import Session
from exit_pipeline.defs.launch import built, run_exit_job
from exit_pipeline.defs.resources import resources
from exit_pipeline.policies import load_policies
from exit_pipeline.services.import_book import import_book, read_book, read_gex_signals
from exit_pipeline.services.tick import TickReport
from exit_pipeline.settings import Settings


def take_in(
    settings: Settings,
    book: Path | None,
    gex_signals: Path | None,
    *,
    tape: Path | None = None,
    environment: str | None = None,
) -> None:
    """Import a book and gamma signals into the environment that a run will work in."""
    signals = read_gex_signals(gex_signals) if gex_signals else []
    with built(resources(settings, tape_dir=tape, environment=environment)) as parts:
        if book:
            positions = read_book(
                book,
                broker=parts.broker.name,
                environment=parts.broker.environment,
                policies=load_policies(settings.policies),
            )
            import_book(positions, broker=parts.broker, database=parts.database)
        parts.database.signals.import_gex_signals(signals)


def run_session(
    session: Session,
    settings: Settings,
    tape: Path,
    *,
    policy: str | None = None,
    progress: Callable[[], None] = lambda: None,
) -> list[TickReport]:
    """Run the ticks of a session, and after its close settle what has expired.

    Args:
        session: The day.
        settings: From the environment.
        tape: Folder of tapes.
        policy: Over each position's own; None for none.
        progress: Is told of each tick that is done.

    Raises:
        InputError: The tape or the policy can't be used.
        UnavailableError: Another run holds an account.
    """
    config = {} if policy is None else {"policy": policy}
    # Dagster's record of 42 runs would tell nothing that the database doesn't.
    with dg.DagsterInstance.ephemeral() as on:
        reports = []
        for at in [*session.ticks(), session.closes_at]:
            shells = resources(settings, at=at.isoformat(), tape_dir=tape)
            report = run_exit_job(config, shells, on)
            held = [run.reason for run in report.runs if run.is_held]
            if held:
                message = f"{at:%H:%M} UTC: {held[0]}; try again when it is done"
                raise UnavailableError(message)
            reports.append(report)
            progress()
        return reports
