"""``POST /halt`` and ``POST /resume``: the switch that stops trading."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from exit_pipeline.core.model.control import TradingControl, TradingState
from exit_pipeline.core.model.errors import ExitPipelineError, InputError
from exit_pipeline.defs.launch import built
from exit_pipeline.services.cancel_all import CancelOutcome, cancel_all
from exit_pipeline.web.body import read_model
from exit_pipeline.web.desk import Desk
from exit_pipeline.web.exchange import Answer, Ask
from exit_pipeline.web.operation import Operation

log = logging.getLogger(__name__)


class HaltBody(BaseModel):
    """What a halt may say; nothing at all halts new orders."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["HALT_NEW", "CANCEL_ALL", "FREEZE"] = Field(
        default="HALT_NEW",
        description="HALT_NEW sends no new order, CANCEL_ALL also has every working order "
        "cancelled, FREEZE writes nothing at all to a broker.",
    )
    reason: str = Field(default="", max_length=1_000, description="Why; kept with who asked.")


class ResumeBody(BaseModel):
    """What a resume must say."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(
        min_length=1, max_length=1_000, description="Why trading may go on; kept with who asked."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAnswer:
    """What became of asking for one order's cancel.

    Attributes:
        client_order_id: Ours.
        position_id: The position that it closes.
        has_ended: The broker has confirmed an end, which may be a fill.
        filled_quantity: Contracts of it that filled.
        said: What a person should know, as the end of a sentence.
    """

    client_order_id: str
    position_id: str
    has_ended: bool
    filled_quantity: int
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingAnswer:
    """The switch as it stands now.

    Attributes:
        state: What may be sent.
        reason: Why it was moved there.
        changed_by: Who moved it.
        changed_at: When.
        was: What it was before.
        cancels: After CANCEL_ALL, one for each order that may still fill.
        not_cancelled: Why no cancel was asked for, though trading is halted; empty otherwise.
    """

    state: TradingState
    reason: str
    changed_by: str
    changed_at: datetime
    was: TradingState
    cancels: list[CancelAnswer]
    not_cancelled: str = ""


def halt(ask: Ask) -> Answer:
    """Stop trading, from the very next order on; needs no broker and no reason."""
    body = read_model(ask.body, HaltBody)
    control = ask.desk.database().control
    was, wanted = control.read().state, TradingState(body.state)
    now = control.move(wanted, _printable(body.reason), ask.caller)
    cancels, why_not = _cancel_all(ask.desk) if wanted is TradingState.CANCEL_ALL else ([], "")
    return Answer(value=_answer(now, was, cancels, why_not))


def resume(ask: Ask) -> Answer:
    """Let trading go on after a halt; where it does already, nothing is changed.

    Raises:
        InputError: There is no reason.
    """
    reason = _printable(read_model(ask.body, ResumeBody).reason)
    if not reason:
        message = "reason is empty; expected why trading may go on, which is kept with who asked"
        raise InputError(message)
    control = ask.desk.database().control
    before = control.read()
    if before.state is not TradingState.ACTIVE:
        return Answer(
            value=_answer(control.move(TradingState.ACTIVE, reason, ask.caller), before.state)
        )
    return Answer(value=_answer(before, before.state))


def _printable(reason: str) -> str:
    """A reason on one line, as it is shown wherever the switch is."""
    return " ".join("".join(one if one.isprintable() else " " for one in reason).split())


def _cancel_all(desk: Desk) -> tuple[list[CancelOutcome], str]:
    """Ask for the cancels at once; the halt holds whether or not that is possible."""
    try:
        shells = desk.resources()
        with built({name: shells[name] for name in ("broker", "clock")}) as parts:
            database = desk.database()
            return cancel_all(broker=parts.broker, database=database, clock=parts.clock), ""
    except ExitPipelineError as error:
        why = str(error)
    except Exception:  # whatever it is, the caller must be told that the halt holds
        log.exception("HTTP /halt: no cancel was asked for")
        why = "an error that nobody expected, see the program's log"
    return [], f"trading is halted, but no order was asked for its cancel yet: {why}"


def _answer(
    now: TradingControl,
    was: TradingState,
    cancels: list[CancelOutcome] | None = None,
    why_not: str = "",
) -> TradingAnswer:
    return TradingAnswer(
        state=now.state,
        reason=now.reason,
        changed_by=now.changed_by,
        changed_at=now.changed_at,
        was=was,
        cancels=[
            CancelAnswer(
                client_order_id=one.order.request.client_order_id,
                position_id=one.order.position_id,
                has_ended=one.has_ended,
                filled_quantity=one.order.filled_quantity,
                said=one.said,
            )
            for one in cancels or ()
        ],
        not_cancelled=why_not,
    )


HALT = Operation(
    method="POST",
    path="/halt",
    handle=halt,
    summary="Stop trading, from the very next order on.",
    description="Deciding and recording go on. A laxer state than the present one is refused.",
    body=HaltBody,
    answers={200: TradingAnswer},
)

RESUME = Operation(
    method="POST",
    path="/resume",
    handle=resume,
    summary="Let trading go on after a halt.",
    body=ResumeBody,
    answers={200: TradingAnswer},
)
