"""A row of ``exit_rules``, the table that users set their thresholds in."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitRulesRow:
    """One row.

    Attributes:
        id: Its key.
        columns: Every value as the database writes it, by column; None where the row has none. A
            users' own table may lack some of the columns.
    """

    id: str
    columns: Mapping[str, str | None]
