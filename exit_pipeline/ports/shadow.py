"""What other policies would have decided."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from exit_pipeline.core.model.kept_decision import KeptDecision
from exit_pipeline.core.model.shadow import ShadowDecision, ShadowMemories


class ShadowStore(Protocol):
    """Decisions of shadow policies, which nothing sends."""

    def record(self, decisions: Sequence[ShadowDecision]) -> int:
        """Record decisions; one that its run already has for the position and name stays.

        Returns how many were new.
        """
        ...

    def of_runs(self, run_ids: Sequence[str]) -> list[ShadowDecision]:
        """The decisions of runs, by name and position id."""
        ...

    def memories(
        self, position_ids: Sequence[str], names: Sequence[str], before: datetime
    ) -> ShadowMemories:
        """What each policy remembers of each position from its newest tick before a time.

        Only ticks that were finished count, and no dry run: like a position's own rules, a policy
        remembers nothing else. One that never decided a position is absent.
        """
        ...

    def newest(self, position_id: str, name: str, at: datetime | None) -> KeptDecision | None:
        """The newest decision of a policy on a position, with all of its inputs.

        Args:
            position_id: The position.
            name: Of the shadow policy.
            at: None later than this; None for the newest of all.
        """
        ...
