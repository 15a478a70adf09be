"""Open a tick: check the request, take the accounts, reconcile, and load what is to be decided."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from importlib.metadata import version

from exit_pipeline.core.model.control import TradingControl, TradingState
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.exit_request import ExitRequest
from exit_pipeline.core.model.position import UNASSIGNED, Position
from exit_pipeline.core.model.record import LEASE, RunHandle, RunStatus, RunSummary, TickIdentity
from exit_pipeline.ports import Broker, Calendar, Clock, Database, MarketData
from exit_pipeline.services.check_policy import check_policy
from exit_pipeline.services.expired_requests import tell_expired
from exit_pipeline.services.import_held import Importing, find_accounts, import_runs
from exit_pipeline.services.reconcile import Reconciled, reconcile
from exit_pipeline.services.tick import OpenTick, TickRequest

CODE_VERSION = version("exit-pipeline")

SLOT = timedelta(minutes=5)
"""Time from one scheduled tick to the next."""


def open_tick(
    request: TickRequest,
    *,
    broker: Broker,
    database: Database,
    market_data: MarketData,
    calendar: Calendar,
    clock: Clock,
) -> OpenTick:
    """Open one run per account, bring the books up to date, and load the open positions.

    Where the launch imports, the broker's accounts are worked too, also before they have any row.

    Outside the exchange's session, and by a tick that comes late or after a later one, the books
    are brought up to date and nothing is decided.

    Raises:
        InputError: The request names something that does not exist, or something that only a dry
            run may do with this broker. Nothing was recorded.
    """
    check_request(request, broker)
    importing = find_accounts(request, broker)
    accounts = _accounts(request, broker, database, importing)
    at = request.as_of or clock.now()
    identity = _identity(request, broker, market_data, at)
    runs = database.runs.open(identity, accounts, request.run_key, CODE_VERSION, LEASE)
    workable = [run for run in runs if run.status is RunStatus.STARTED]
    notes = [run.reason for run in runs if run.reason]
    positions = _positions(request, broker, database, workable)
    found = Reconciled()
    if not request.dry_run:
        found = reconcile(
            workable,
            positions,
            broker=broker,
            database=database,
            calendar=calendar,
            clock=clock,
        )
        found.notes += import_runs(
            importing, workable, broker=broker, database=database, calendar=calendar, at=at
        )
        # Fills, settlements and imports change what is held.
        if found.notes:
            positions = _positions(request, broker, database, workable)
        notes += found.notes
        notes += tell_expired(
            positions,
            {run.account: run.run_id for run in workable},
            at,
            database=database,
            calendar=calendar,
        )
    why = calendar.why_closed(at) or _why_late(request, identity, clock)
    out = {run.account: why or run.reason for run in workable if why or run.is_superseded}
    _skip([run for run in workable if run.account in out], out, request, database)
    if why:
        notes.insert(0, why)
    here = [one for one in positions if (one.account or UNASSIGNED) not in out]
    entered = [position for position in here if position.entry_time <= at]
    asked = _asked_to_close(entered, at, database)
    notes += [f"{one.requested_by} asked to close {one.position_id}: {one.reason}" for one in asked]
    if later := len(here) - len(entered):
        notes.append(f"{later} positions are left out, since they are entered later")
    control = _halt(broker, database)
    if control is not None:
        notes.insert(0, control.say(calendar.zone))
    return OpenTick(
        request=request,
        identity=identity,
        at=at,
        session=calendar.session(at.astimezone(calendar.zone).date()),
        runs=tuple(
            replace(run, status=RunStatus.SKIPPED, reason=out[run.account])
            if run in workable and run.account in out
            else run
            for run in runs
        ),
        positions=tuple(entered),
        opened_at=at,
        held=found.held,
        not_ours=found.not_ours,
        notes=tuple(notes),
        control=control,
        asked_to_close=asked,
    )


def _halt(broker: Broker, database: Database) -> TradingControl | None:
    """The switch, where it keeps orders of the environment from being sent."""
    if database.control.state(broker.environment) is TradingState.ACTIVE:
        return None
    return database.control.read()


def _asked_to_close(
    positions: Sequence[Position], at: datetime, database: Database
) -> tuple[ExitRequest, ...]:
    """Requests in force, on positions that a broker has: no other can be closed."""
    ids = [position.id for position in positions if position.is_adopted]
    return tuple(database.exit_requests.in_force(ids, at)) if ids else ()


def _why_late(request: TickRequest, identity: TickIdentity, clock: Clock) -> str:
    """Why a scheduled tick decides nothing any more: the next one is due already."""
    if request.tick_at is None or identity.mode != "live":
        return ""
    late = clock.now() - request.tick_at
    if late < SLOT:
        return ""
    minutes = late.total_seconds() / 60
    return f"this tick is {minutes:.0f} minutes late: the books are brought up to date, no more"


def _identity(
    request: TickRequest, broker: Broker, market_data: MarketData, at: datetime
) -> TickIdentity:
    return TickIdentity(
        environment=broker.environment,
        broker=broker.name,
        tick_at=request.tick_at or at,
        mode="live" if market_data.is_live else market_data.source,
        dry_run=request.dry_run,
        request_id=request.run_key if request.is_special else "",
    )


def check_request(request: TickRequest, broker: Broker) -> None:
    """Refuse what must not be launched against real money, and a policy that does not exist.

    Raises:
        InputError: As the sentence says.
    """
    if request.policy:
        check_policy(request.policy, request.policies)
    if broker.name == "paper" or request.dry_run:
        return
    for name in ("policy", "force_close", "as_of"):
        if getattr(request, name):
            message = (
                f"{name} is given for the broker {broker.name} without dry_run: true; outside the "
                f"paper broker it may only be tried in a dry run"
            )
            raise InputError(message)


def _accounts(
    request: TickRequest, broker: Broker, database: Database, importing: Importing
) -> list[str]:
    environment = broker.environment
    known = database.positions.accounts(environment)
    known += [account for account in importing.accounts if account not in known]
    _refuse_unknown("accounts", request.accounts, [*known, UNASSIGNED], environment)
    if request.position_ids or request.underlyings:
        held = database.positions.open_positions(environment, request.accounts)
        ids, tickers = [p.id for p in held], sorted({p.underlying for p in held})
        _refuse_unknown("position_ids", request.position_ids, ids, environment)
        _refuse_unknown("underlyings", request.underlyings, tickers, environment)
    return list(request.accounts) if request.accounts else known


def _refuse_unknown(
    name: str, asked: Sequence[str] | None, known: Sequence[str], environment: str
) -> None:
    for value in asked or ():
        if value not in known:
            shown = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "") or "none"
            message = (
                f"{name} names {value!r}, which is not open in the environment {environment}; "
                f"known: {shown}"
            )
            raise InputError(message)


def _positions(
    request: TickRequest, broker: Broker, database: Database, workable: Sequence[RunHandle]
) -> list[Position]:
    if not workable:
        return []
    return database.positions.open_positions(
        broker.environment,
        [run.account for run in workable],
        request.underlyings,
        request.position_ids,
    )


def _skip(
    runs: Sequence[RunHandle], why: Mapping[str, str], request: TickRequest, database: Database
) -> None:
    summaries = [
        RunSummary(run_id=run.run_id, status=RunStatus.SKIPPED, reason=why[run.account])
        for run in runs
    ]
    if summaries:
        database.runs.close(request.run_key, summaries)
