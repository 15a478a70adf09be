"""The chain of hashes over everything that was recorded."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from exit_pipeline.core.model.audit_link import AuditFault, AuditLink


class AuditTrailStore(Protocol):
    """One link for each run that has ended, each over the one before it."""

    def link_runs(self, most: int) -> int:
        """Add a link for each run that has ended and has none since, the oldest first.

        Returns how many were added, at most `most`; what is left out is added by a later call.
        """
        ...

    def last_link(self) -> AuditLink | None:
        """The newest link."""
        ...

    def link(self, seq: int) -> AuditLink | None:
        """The link of a number."""
        ...

    def first_since(self, at: datetime) -> int | None:
        """Number of the first link that was made at a moment or later."""
        ...

    def faults(self, first: int, last: int) -> Sequence[AuditFault]:
        """What doesn't fit in the links from one number to another, both included."""
        ...

    def unlinked(self) -> Sequence[AuditFault]:
        """Rows and runs that are of no link and should have been of one."""
        ...
