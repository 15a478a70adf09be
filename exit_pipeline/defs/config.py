"""The launch form: flat, typed, described, and harmless to real money."""

from typing import Any

import dagster as dg
from pydantic import Field

from exit_pipeline.services.tick import TickRequest, parse_instant


class ExitConfig(dg.Config):
    """What one launch of ``exit_job`` may ask for; empty means all, and now."""

    dry_run: bool = Field(
        default=False,
        description="Decide and record, but send and change nothing: to see what a tick would do.",
    )
    as_of: str | None = Field(
        default=None,
        description="Work at this moment instead of now: ISO 8601 with a time zone, such as "
        "2015-12-24T11:30:00-05:00.",
    )
    accounts: list[str] | None = Field(
        default=None, description="Only positions of these accounts; without it, of all."
    )
    underlyings: list[str] | None = Field(
        default=None, description="Only positions on these tickers; without it, on all."
    )
    position_ids: list[str] | None = Field(
        default=None, description="Only these positions; without it, all open ones."
    )
    policy: str | None = Field(
        default=None,
        description="Policy over each position's own, such as: stop_loss.percent=25, gex_flip=off",
    )
    force_close: bool = Field(
        default=False,
        description="Close every position in scope, in full. At any broker but paper this, "
        "`policy` and `as_of` need `dry_run: true`.",
    )


_FIELD_TYPES: dict[Any, Any] = {
    bool: bool,
    str | None: dg.Noneable(str),
    list[str] | None: dg.Noneable([str]),
}

# A schema of plain types: a field of a dg.Config would also take {env: NAME}, and the sentence
# about a mistaken value would show the secret that the variable holds.
_FORM = {
    name: dg.Field(
        _FIELD_TYPES[field.annotation],
        default_value=field.default,
        is_required=False,
        description=field.description,
    )
    for name, field in ExitConfig.model_fields.items()
}


@dg.config_mapping(config_schema=_FORM)
def exit_config(form: dict[str, Any]) -> dict[str, Any]:
    """Hand the form to the first op, which refuses a mistaken value before anything is done.

    Not here: what a config mapping raises reaches a person as a traceback of the server.
    """
    return {
        "ops": {"fetch_positions": {"config": form}},
        # Named here, since a job's own loggers are used only where the run config names them.
        "loggers": {"console": {"config": {}}},
    }


def to_request(config: ExitConfig, run_key: str, scheduled_at: str | None) -> TickRequest:
    """The request of a launch; a schedule's tick carries its time as a tag of the run."""
    return TickRequest(
        run_key=run_key,
        dry_run=config.dry_run,
        tick_at=parse_instant("tick time", scheduled_at) if scheduled_at else None,
        as_of=parse_instant("as_of", config.as_of) if config.as_of is not None else None,
        accounts=config.accounts,
        underlyings=config.underlyings,
        position_ids=config.position_ids,
        policy=config.policy,
        force_close=config.force_close,
    )
