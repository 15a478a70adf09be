"""What programs that watch the pipeline ask for."""

from datetime import datetime
from typing import Protocol

from exit_pipeline.core.model.book_state import BookScope, BookState
from exit_pipeline.core.model.vitals import DayFigures, Vitals


class OperationStore(Protocol):
    """How the whole stands, and figures of a day."""

    def vitals(self, environment: str) -> Vitals:
        """How the whole stands now, in one transaction.

        Args:
            environment: Whose newest good tick tells of the market.
        """
        ...

    def book_state(self, scope: BookScope) -> BookState:
        """How the books of an environment stand, and what in them must not be, at one moment.

        Args:
            scope: Which part is looked at.
        """
        ...

    def figures(self, since: datetime) -> DayFigures:
        """Counts of what happened since a moment."""
        ...
