"""A mutant, and the ways in which it changes the program while it is applied."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from exit_pipeline_tests.simulation.database import SimDatabase
from exit_pipeline_tests.simulation.faults import EVERY

Change = Callable[[SimDatabase, ExitStack], None]
"""Changes something, and has the stack undo it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One safeguard less.

    Attributes:
        name: Short, for commands.
        breaks: What it does, in one sentence.
        changes: What it changes.
        brokers: The personalities in whose seeds it can make a difference at all.
        guarded_by: What else catches it, where it is harmless alone; empty where nothing does.
    """

    name: str
    breaks: str
    changes: tuple[Change, ...]
    brokers: frozenset[str] = EVERY
    guarded_by: str = ""

    @contextmanager
    def applied(self, database: SimDatabase) -> Iterator[None]:
        """The program with the mistake in it, in this process and with this database."""
        with ExitStack() as stack:
            for change in self.changes:
                change(database, stack)
            yield


def wrapped(owner: Any, name: str, make: Callable[[Any], Any]) -> Change:
    """What `make` makes of an attribute of a module or a class, such as of a method."""

    def change(_database: SimDatabase, stack: ExitStack) -> None:
        before = getattr(owner, name)
        stack.callback(setattr, owner, name, before)
        setattr(owner, name, make(before))

    return change


def value(owner: Any, name: str, new: Any) -> Change:
    """Another value for an attribute of a module or a class."""
    return wrapped(owner, name, lambda _before: new)


def text(owner: Any, name: str, old: str, new: str) -> Change:
    """Another part of a statement; ValueError where it has no such part any more."""

    def other(before: str) -> str:
        if old not in before:
            message = f"{name} has no {old!r}"
            raise ValueError(message)
        return before.replace(old, new)

    return wrapped(owner, name, other)


def trigger_off(table: str, trigger: str) -> Change:
    """A trigger that does not fire."""

    def change(database: SimDatabase, stack: ExitStack) -> None:
        stack.callback(database.rows, f"ALTER TABLE {table} ENABLE TRIGGER {trigger}")
        database.rows(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")

    return change


def index_dropped(index: str) -> Change:
    """An index that is not there."""

    def change(database: SimDatabase, stack: ExitStack) -> None:
        (found,) = database.rows("SELECT indexdef FROM pg_indexes WHERE indexname = %s", index)

        def restore() -> None:
            # What the mutant let in must be gone first.
            database.reset()
            database.rows(found["indexdef"])

        stack.callback(restore)
        database.rows(f"DROP INDEX {index}")

    return change


def check_dropped(table: str, name: str) -> Change:
    """A CHECK constraint that is not there."""

    def change(database: SimDatabase, stack: ExitStack) -> None:
        (found,) = database.rows(
            "SELECT pg_get_constraintdef(oid) AS definition FROM pg_constraint"
            " WHERE conrelid = %s::regclass AND conname = %s",
            table,
            name,
        )

        def restore() -> None:
            database.reset()
            database.rows(f"ALTER TABLE {table} ADD CONSTRAINT {name} {found['definition']}")

        stack.callback(restore)
        database.rows(f"ALTER TABLE {table} DROP CONSTRAINT {name}")

    return change


def together(name: str, breaks: str, *parts: Mutant) -> Mutant:
    """A mutant that lacks several safeguards which stand in for each other."""
    brokers = EVERY
    for part in parts:
        brokers &= part.brokers
    return Mutant(
        name=name,
        breaks=breaks,
        changes=tuple(change for part in parts for change in part.changes),
        brokers=brokers,
    )
