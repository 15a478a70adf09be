"""I19, at the end of a seed: the checks that a person sees find the books as sound as they are.

Gaps between ticks and orders in doubt are what the faults make; the other checks must never fail,
but where an order was doubled on its way to a broker, which sells more than was held.
"""

from typing import Any, Final

from exit_pipeline.adapters.clients.postgres_engine import make_engine
from exit_pipeline.adapters.database.postgres.database import PostgresDatabase
from exit_pipeline.core.model.book_state import BookCheck
from exit_pipeline.services.check_book import check_book, look_at_book, scope_of

_ALWAYS: Final = (
    BookCheck.EVERY_ORDER_HAS_A_DECISION,
    BookCheck.EVERY_EXIT_HAS_AN_ORDER,
    BookCheck.NEVER_EXITED_ABOVE_HELD,
)


def check_books(world: Any) -> None:
    """No check cries where nothing is wrong."""
    scope = scope_of("paper", world.plan.calendar, world.timeline.at)
    database = PostgresDatabase(make_engine(world.database.url))
    try:
        state = look_at_book(scope, database=database)
    finally:
        database.dispose()
    for one in check_book(state, scope):
        is_excused = one.check is BookCheck.NEVER_EXITED_ABOVE_HELD and world.doubled
        if one.check in _ALWAYS and not one.passed and not is_excused:
            first = one.faults[0]
            world.history.violate("I19", f"{one.check}: {first.subject}: {first.what}")
