"""``GET /health``."""

from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError
from exit_pipeline.services.health import Health, State, health, without_database
from exit_pipeline.web.desk import Desk
from exit_pipeline.web.exchange import Answer, Ask
from exit_pipeline.web.operation import Operation


def answer_health(ask: Ask) -> Answer:
    """How every part stands: 200, or 503 where one fails so that no tick can do its work."""
    desk = ask.desk
    found = desk.glance.get(desk.clock.now, lambda: _look(desk))
    return Answer(value=found, status=503 if found.state is State.FAILING else 200)


def _look(desk: Desk) -> Health:
    at = desk.clock.now()
    try:
        vitals = desk.database().operation.vitals(desk.place.environment)
    except (UnavailableError, ConfigurationError):
        # Its sentence names a host, which is nothing for callers without the token.
        return without_database(at)
    return health(vitals, desk.place, calendar=desk.calendar, at=at)


HEALTH = Operation(
    method="GET",
    path="/health",
    handle=answer_health,
    summary="How every part stands.",
    description="503 where the database does not answer, its schema is another one, ticks no "
    "longer come, or the broker does not know the account. A halt, alerts and refused quotes are "
    "warnings: they need a person, and restarting would not help. Nothing secret and no position. "
    "It is at most a second old.",
    answers={200: Health, 503: Health},
    needs_token=False,
)
