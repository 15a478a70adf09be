"""The commands that stop trading and let it go on: halt, resume."""

from collections.abc import Sequence

import click

from exit_pipeline.cli.person import who
from exit_pipeline.cli.show import NEW_YORK
from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.errors import ExitPipelineError, InputError
from exit_pipeline.core.model.lines import OrderLine
from exit_pipeline.ports import Database
from exit_pipeline.services.cancel_all import CancelOutcome
from exit_pipeline.settings import Settings

STATES = tuple(state for state in TradingState if state is not TradingState.ACTIVE)


@click.command()
@click.argument("state", default=TradingState.HALT_NEW.value)
@click.option("--reason", default="", help="Why; kept with your name.")
def halt(state: str, reason: str) -> None:
    """Stop trading, from the very next order on.

    STATE is HALT_NEW (no new order), CANCEL_ALL (also cancel every working order, now and with
    every tick) or FREEZE (nothing at all is written to a broker). Deciding and recording go on.
    """
    from exit_pipeline.defs.resources import open_database

    wanted = _read_state(state)
    settings = Settings.from_env()
    database = open_database(settings)
    # First of all the switch, which needs no broker.
    control = database.control.move(wanted, reason.strip(), who())
    click.echo(control.say(NEW_YORK))
    if wanted is TradingState.CANCEL_ALL:
        _cancel_all(settings, database)
    working = database.orders.listing(only_live=True)
    if wanted is not TradingState.CANCEL_ALL and (count := len(_of_now(working))):
        click.echo(
            f"{count} orders are still working and may fill; see: exit-pipeline orders --open"
        )


@click.command()
@click.option("--reason", default="", help="Why it may go on; required, kept with your name.")
def resume(reason: str) -> None:
    """Let trading go on after a halt."""
    from exit_pipeline.defs.resources import open_database

    if not reason.strip():
        message = f"--reason is {reason!r}; expected why trading may go on, kept with your name"
        raise InputError(message)
    control = open_database(Settings.from_env()).control
    before = control.read()
    if before.state is TradingState.ACTIVE:
        click.echo("trading is ACTIVE already; nothing was changed")
        return
    control.move(TradingState.ACTIVE, reason.strip(), who())
    click.echo(f"trading is ACTIVE; before, {before.say(NEW_YORK).replace(' is ', ' was ', 1)}")


def _read_state(text: str) -> TradingState:
    named = {state.value: state for state in STATES}
    if text.upper() in named:
        return named[text.upper()]
    message = f"STATE is {text!r}; expected one of {', '.join(named)}"
    raise InputError(message)


def _of_now(orders: Sequence[OrderLine]) -> list[OrderLine]:
    """Orders that a broker works for now; the switch is not for replays."""
    return [order for order in orders if order.environment in {"paper", "live"}]


def _cancel_all(settings: Settings, database: Database) -> None:
    """Ask for the cancels now, and say what each came to.

    Raises:
        ExitPipelineError: The broker could not be reached at all; trading is halted all the same.
    """
    from exit_pipeline.defs.launch import built
    from exit_pipeline.defs.resources import resources
    from exit_pipeline.services.cancel_all import cancel_all

    shells = resources(settings)
    try:
        with built({name: shells[name] for name in ("broker", "clock")}) as parts:
            place = (parts.broker.name, parts.broker.environment)
            outcomes = cancel_all(broker=parts.broker, database=database, clock=parts.clock)
    except ExitPipelineError as error:
        message = f"trading is halted, but no order was asked for its cancel yet: {error}"
        raise ExitPipelineError(message) from error
    _print_outcomes(outcomes)
    for order in _of_now(database.orders.listing(only_live=True)):
        if (order.broker, order.environment) != place:
            click.echo(
                f"order {order.client_order_id} of {order.position_id} at {order.broker}/"
                f"{order.environment} is not asked for: this is configured for {'/'.join(place)}"
            )


def _print_outcomes(outcomes: Sequence[CancelOutcome]) -> None:
    for one in outcomes:
        request = one.order.request
        filled = f", {one.order.filled_quantity} of {request.quantity} filled"
        click.echo(f"order {request.client_order_id} of {one.order.position_id} {one.said}{filled}")
    left = sum(not one.has_ended for one in outcomes)
    click.echo(f"{len(outcomes) - left} orders have ended, {left} not confirmed yet")
    if left:
        click.echo("what is left is asked for again by every tick, and by the same command")
