"""Changing what can't be changed, as somebody could who may do everything in the database."""

from typing import Final

TAMPER: Final = "SET LOCAL session_replication_role = replica; "
"""Before a statement: no trigger and no foreign key sees it."""
