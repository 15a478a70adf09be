"""What an exit rule is: thresholds as fields, and two pure methods over the whole book."""

from abc import ABC, abstractmethod
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from exit_pipeline.core.model.book import Book
from exit_pipeline.core.model.decision import RuleTrace, Urgency, Verdict
from exit_pipeline.core.model.marks import Marks


class ExitRule(BaseModel, ABC):
    """One reason to leave a position.

    A rule only answers; it never acts, never mutates and never knows another rule. Its module is
    named like the rule, and ends with ``RULE = TheClass``, by which the engine finds it.

    Class attributes:
        name: The module's name; in capitals it is the reason in the database.
        rank: Place in the default order; a lower rank wins.
        urgency: How far the closing order leans, unless the verdict says otherwise by row.
        latches: The answer stays due on the position until filled or turned back.
        sentence: How the trace reads, with ``{observed}`` and ``{threshold}`` in their unit.
    """

    # Defaults are read like what is stated, so that 1 and 1.0 have one hash.
    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True
    )

    name: ClassVar[str]
    rank: ClassVar[int]
    urgency: ClassVar[Urgency] = Urgency.NORMAL
    latches: ClassVar[bool] = False
    sentence: ClassVar[str]

    required_hits: int = Field(
        default=1, ge=1, le=100, description="Ticks in a row at which it is due before it acts."
    )

    @abstractmethod
    def evaluate(self, book: Book, marks: Marks) -> Verdict:
        """Where the rule is due at this tick, and where it could be judged at all.

        What is due fires once it has been so for ``required_hits`` ticks in a row, which the engine
        counts.
        """

    @abstractmethod
    def trace(self, book: Book, marks: Marks) -> RuleTrace:
        """What was observed against which threshold, and what is missing until it fires."""
