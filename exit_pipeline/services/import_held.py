"""Bring in what a broker's account holds: rows that are decided and never sent until adopted."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from exit_pipeline.core.model.contract import OptionContract
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.holdings import HeldStep, StepTaken
from exit_pipeline.core.model.order import HeldPosition
from exit_pipeline.core.model.price import say_dollars
from exit_pipeline.core.model.record import Alert, RunHandle
from exit_pipeline.ports import Broker, Calendar, Database, TakesDeposits, TellsEntries
from exit_pipeline.services.broker_calls import CallLog
from exit_pipeline.services.held_step import plan_step, with_entries
from exit_pipeline.services.last_close import last_trading_close
from exit_pipeline.services.tick import TickRequest

logger = logging.getLogger(__name__)

SETTLED_WITHIN: Final = timedelta(days=4)
"""How long after its last trading session a contract may vanish before the broker tells how it
ended: settlements of a Friday are told by Tuesday also where the Monday is a holiday. Until then a
holding that is gone is left to reconciliation, afterwards it is closed as EXTERNAL."""


def accounts_of(broker: Broker) -> Sequence[str]:
    """The accounts of a broker whose holdings can be imported.

    Raises:
        InputError: We keep its books ourselves, so that there is nothing to learn from it.
    """
    if isinstance(broker, TakesDeposits):
        message = (
            f"broker is {broker.name!r}, whose ledger is filled from CSV files; expected another"
            f" one, or: exit-pipeline positions import FILE.csv"
        )
        raise InputError(message)
    return broker.accounts()


def import_held(
    account: str,
    *,
    broker: Broker,
    database: Database,
    calendar: Calendar,
    at: datetime,
    run_id: str | None = None,
) -> list[str]:
    """Bring the rows of one account in step with what its broker holds, and say what changed.

    New rows are not managed. Their entry price is the broker's average; their entry time is the
    broker's, else that of the fills which opened them where the broker tells those, else `at`, the
    moment they were first seen. What else changes, and what is only alerted of, is told at
    ``plan_step``. Imported rows of opposite sides on one underlying and expiration are flagged as
    probable legs of a spread, and no longer once the other side is gone.

    Args:
        account: One of the broker's accounts.
        broker: Where it is held; not one whose books we keep.
        database: What is kept.
        calendar: Tells which contracts have ended.
        at: The present moment.
        run_id: The run that alerts belong to; None for a command.

    Raises:
        UnavailableError: The broker did not answer; nothing was changed.
        InputError: The account is not the broker's, or the broker's books are filled by us.
    """
    # A broker answers for an account that is not its own as for one that is flat.
    if account not in (known := accounts_of(broker)):
        message = f"account is {account!r}; the broker {broker.name} knows {', '.join(known)}"
        raise InputError(message)
    calls = CallLog(broker=broker, runs=database.runs, run_id=run_id, account=account, at=at)
    rows = database.positions.open_positions(broker.environment, [account])
    now = HeldStep(
        broker=broker.name,
        environment=broker.environment,
        account=account,
        basis=[row for row in rows if row.broker == broker.name],
        at=at,
    )
    held = calls.call(
        lambda: broker.positions(account), "positions", describe=lambda told: f"{len(told)} held"
    )
    plan = plan_step(now, held, partial(_is_settling, calendar=calendar, at=at))
    step = _entered(plan.step, held, calls)
    taken = database.positions.keep_in_step(step)
    if taken is None:
        return [f"account {account} was changed while its broker was asked; nothing was imported"]
    alerts = [*plan.alerts, *_spread_alerts(taken, now, database)]
    database.runs.raise_alerts([replace(alert, run_id=run_id) for alert in alerts])
    return [
        *_said_of_new(step, taken),
        *plan.notes,
        *(f"{leg}: looks like a leg of a spread no longer" for leg in taken.no_legs),
        *(alert.message for alert in alerts),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Importing:
    """The accounts whose holdings a tick imports.

    Attributes:
        accounts: Those that the broker says are ours; none where the tick imports nothing.
        trouble: Why they could not be told; empty where they could.
    """

    accounts: Sequence[str] = ()
    trouble: str = ""


def find_accounts(request: TickRequest, broker: Broker) -> Importing:
    """The accounts that a launch imports: all of the broker's, where it is to import at all.

    A dry run imports nothing, nor does a tick at a broker whose books we keep.
    """
    if not request.import_held or request.dry_run or isinstance(broker, TakesDeposits):
        return Importing()
    try:
        return Importing(accounts=tuple(accounts_of(broker)))
    except Exception as error:  # whatever it is, an alert tells of it
        logger.exception("ExitWorker: accounts of %s", broker.name)
        return Importing(trouble=str(error) or type(error).__name__)


def import_runs(
    importing: Importing,
    runs: Sequence[RunHandle],
    *,
    broker: Broker,
    database: Database,
    calendar: Calendar,
    at: datetime,
) -> list[str]:
    """Import the accounts that a tick works; a failure is an alert and costs no decision."""
    if importing.trouble:
        run_id = runs[0].run_id if runs else None
        return [_failed(broker.name, importing.trouble, run_id, database)]
    notes = []
    for run in runs:
        if run.account not in importing.accounts:
            continue
        try:
            notes += import_held(
                run.account,
                broker=broker,
                database=database,
                calendar=calendar,
                at=at,
                run_id=run.run_id,
            )
        except Exception as error:  # whatever it is, an alert tells of it
            logger.exception("ExitWorker: import of account %s", run.account)
            reason = str(error) or type(error).__name__
            notes.append(_failed(f"account {run.account}", reason, run.run_id, database))
    return notes


def _failed(subject: str, reason: str, run_id: str | None, database: Database) -> str:
    message = f"what {subject} holds could not be imported: {reason}"
    alert = Alert(
        severity="WARNING",
        cause="IMPORT_FAILED",
        subject=subject,
        message=message,
        run_id=run_id,
    )
    database.runs.raise_alerts([alert])
    return message


def _is_settling(contract: OptionContract, *, calendar: Calendar, at: datetime) -> bool:
    ended_at = last_trading_close(contract, calendar)
    return ended_at is not None and ended_at <= at < ended_at + SETTLED_WITHIN


def _entered(step: HeldStep, held: Sequence[HeldPosition], calls: CallLog) -> HeldStep:
    """Ask when new holdings were opened, where the broker's positions do not say so themselves."""
    broker, new = calls.broker, {one.symbol for one in step.added}
    timeless = [one for one in held if one.symbol in new and one.acquired_at is None]
    if not timeless or not isinstance(broker, TellsEntries):
        return step
    entered = calls.call(
        lambda: broker.entered_at(timeless), "entered_at", describe=lambda told: f"{len(told)} told"
    )
    return with_entries(step, entered)


def _said_of_new(step: HeldStep, taken: StepTaken) -> list[str]:
    return [
        f"{position_id}: {new.side} {new.quantity} at {say_dollars(new.entry_price)} imported, not"
        f" managed until it is adopted (exit-pipeline positions adopt)"
        for position_id, new in zip(taken.added_ids, step.added, strict=True)
    ]


def _spread_alerts(taken: StepTaken, now: HeldStep, database: Database) -> list[Alert]:
    if not taken.legs:
        return []
    rows = database.positions.open_positions(now.environment, [now.account])
    return [
        Alert(
            severity="WARNING",
            cause="SPREAD_LEG",
            subject=row.id,
            message=f"{row.say_spread(rows)}; its exits are not sent singly",
        )
        for row in rows
        if row.id in taken.legs
    ]
