"""Thresholds that users keep in a table."""

from typing import Protocol

from exit_pipeline.core.model.exit_rules_row import ExitRulesRow


class ExitRulesStore(Protocol):
    """The table ``exit_rules``."""

    def active(self, mode: str) -> list[ExitRulesRow]:
        """The active rows of a mode, ``PAPER`` or ``LIVE``; there should be one."""
        ...
