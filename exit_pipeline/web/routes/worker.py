"""``POST /refactored-exit-worker``: run the job once, now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.order import OrderStatus
from exit_pipeline.core.model.position import Position
from exit_pipeline.defs.launch import RunFailedError
from exit_pipeline.defs.one_run import BusyError, Turn
from exit_pipeline.ports import Database
from exit_pipeline.services.ask_to_close import EXPIRES, Wish, ask_to_close
from exit_pipeline.services.outcomes import DRY_RUN, HOLD, SKIPPED, Outcome, outcomes
from exit_pipeline.services.tick import TickReport
from exit_pipeline.web.body import refuse_body
from exit_pipeline.web.desk import Desk
from exit_pipeline.web.exchange import Answer, Ask, HttpError
from exit_pipeline.web.operation import ErrorAnswer, Operation, Parameter
from exit_pipeline.web.query import FALSE, TRUE, read_boolean, read_text

DEFAULT_REASON: Final = "asked for over HTTP"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkAnswer:
    """What the run came to.

    Attributes:
        success: True; a run that failed is an error.
        dry_run: Nothing was sent or changed.
        processed: Positions that were decided.
        run_id: Of the Dagster run.
        trading: What may be sent: where it is not ACTIVE, exits are decided and not sent.
        notes: What a person should know, such as why the market is closed.
        results: One for each position in scope.
    """

    success: bool
    dry_run: bool
    processed: int
    run_id: str
    trading: str
    notes: tuple[str, ...]
    results: list[Outcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class BusyAnswer:
    """A run works already, or a position is not open; the run's id where there is one."""

    error: str
    run_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedAnswer:
    """Why a run failed, or could not be begun."""

    error: str
    run_id: str | None = None


def work(ask: Ask) -> Answer:
    """Run the job once.

    Raises:
        HttpError: Nothing was done, or the run failed.
        InputError: A parameter is not understood, or a position can't be closed.
    """
    is_dry, is_forced = (read_boolean(ask.query, name) for name in ("dry_run", "force_close"))
    reason = read_text(ask.query, "reason") or DEFAULT_REASON
    refuse_body(ask.body)
    wanted = ask.query.get("position_id", ())
    database = ask.desk.database()
    in_scope = _in_scope(wanted, ask.desk, database)
    config: dict[str, Any] = {"dry_run": is_dry, "force_close": is_forced and is_dry}
    if wanted:
        config["position_ids"] = [position.id for position in in_scope]
    kept = ""
    try:
        with ask.desk.runs.begin() as turn:
            if is_forced and not is_dry:
                kept = _ask_to_close(in_scope, reason, ask, database)
            report = turn.run(config, ask.desk.resources())
            _refuse_held(report, kept)
            found = _results(report, in_scope, ask.desk, database)
            return Answer(value=_answer(turn, report, found))
    except BusyError as error:
        raise HttpError(409, str(error), details={"run_id": error.run_id}) from None
    except RunFailedError as error:
        if not error.is_told:
            raise
        raise HttpError(503, f"{error}{kept}", details={"run_id": error.run_id}) from None


def _in_scope(wanted: Sequence[str], desk: Desk, database: Database) -> list[Position]:
    """Open positions that are asked for, or all.

    Raises:
        HttpError: One that is asked for is not known here, or not open.
    """
    environment = desk.place.environment
    found = database.positions.open_positions(environment, position_ids=wanted or None)
    missing = [one for one in dict.fromkeys(wanted) if one not in {known.id for known in found}]
    if not missing:
        return found
    closed = {line.id for line in database.positions.listing(environment)}
    if missing[0] in closed:
        sentence = f"position_id is {missing[0]!r}, which is closed; expected an open position"
        raise HttpError(409, sentence)
    sentence = (
        f"position_id is {missing[0]!r}, which is not known in the environment {environment}; "
        f"expected an open position"
    )
    raise HttpError(404, sentence)


def _ask_to_close(in_scope: Sequence[Position], reason: str, ask: Ask, database: Database) -> str:
    """Keep a request for each position, all or none, which the run that follows obeys.

    Returns:
        What is to be told where that run does not: the end of a sentence, empty without a request.

    Raises:
        HttpError: The market is closed or trading is halted, so that no run obeys it now, and a
            request that waits would be obeyed when nobody thinks of it any more.
        InputError: A position that is asked for has no broker, or trades nowhere now.
    """
    desk = ask.desk
    control = database.control.read()
    is_halted = control.state is not TradingState.ACTIVE
    halted = control.say(desk.calendar.zone) if is_halted else None
    if why := desk.calendar.why_closed(desk.clock.now()) or halted:
        sentence = f"force_close is true, and {why}; nothing was asked for"
        raise HttpError(409, sentence)
    is_named = "position_id" in ask.query
    # What no broker has yet can't be closed; only who asks for it by its name needs to know.
    ids = [one.id for one in in_scope if is_named or one.is_adopted]
    if not ids:
        return ""
    wish = Wish(position_ids=ids, reason=reason, requested_by=ask.caller, expires=EXPIRES)
    asked = ask_to_close(wish, database=database, calendar=desk.calendar, clock=desk.clock)
    return (
        f"; the request to close is kept until {asked[0].expires_at:%H:%M} UTC, for the next tick"
    )


def _refuse_held(report: TickReport, kept: str) -> None:
    """Say that a run somewhere else works every account, as its leases in the database tell.

    Raises:
        HttpError: It does.
    """
    holders = [run.held_by for run in report.runs]
    if holders and all(holders):
        sentence = f"run {holders[0]} works every account already{kept or '; nothing was done'}"
        raise HttpError(409, sentence, details={"run_id": holders[0]})


def _results(
    report: TickReport, in_scope: Sequence[Position], desk: Desk, database: Database
) -> list[Outcome]:
    sent = {order.position_id for order in report.orders}
    earlier = [
        one for one in report.decisions if one.decision == "EXIT" and one.position_id not in sent
    ]
    accounts = [run.account for run in report.runs]
    working = database.orders.live_orders(desk.place.environment, accounts) if earlier else []
    return outcomes(report, in_scope=in_scope, working=working)


def _answer(turn: Turn, report: TickReport, found: list[Outcome]) -> WorkAnswer:
    tick = report.executed.decided.tick
    return WorkAnswer(
        success=True,
        dry_run=tick.request.dry_run,
        processed=len(report.decisions),
        run_id=turn.run_id,
        trading=tick.control.state.value if tick.control else "ACTIVE",
        notes=tick.notes,
        results=found,
    )


def _insensitive(word: str) -> str:
    return "".join(f"[{one.upper()}{one}]" if one.isalpha() else one for one in word)


_BOOLEAN: Final = {
    "type": "string",
    "pattern": f"^({'|'.join(map(_insensitive, (*TRUE, *FALSE)))})$",
}

WORK = Operation(
    method="POST",
    path="/refactored-exit-worker",
    handle=work,
    summary="Run the exit job once, now.",
    description="The run is kept by Dagster and shows in its UI. The status of a result is "
    f"{HOLD}; {SKIPPED} where a position was not decided or its exit not sent, as the reason says; "
    f"{DRY_RUN} for an exit that would be sent; or the order's: "
    f"{', '.join(OrderStatus)}. While trading is halted exits are decided and not sent, and "
    "force_close is refused.",
    parameters=(
        Parameter(
            name="dry_run",
            description="Decide and record, but send and change nothing: true, 1, yes; false, 0, "
            "no, in any case. Absent: false. Anything else is refused.",
            schema=_BOOLEAN,
        ),
        Parameter(
            name="force_close",
            description="Close the positions in full, by requests that are kept with who asked, "
            "why and until when; in a dry run nothing is kept. Absent: false.",
            schema=_BOOLEAN,
        ),
        Parameter(
            name="position_id",
            description="Only this position; may be given several times. Absent: all open ones.",
            many=True,
        ),
        Parameter(
            name="reason",
            description=f"Why, kept with the requests of force_close. Absent: {DEFAULT_REASON}.",
        ),
    ),
    answers={200: WorkAnswer, 404: ErrorAnswer, 409: BusyAnswer, 503: FailedAnswer},
)
