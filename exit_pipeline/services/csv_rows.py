"""Rows of CSV files that people write, with sentences about what can't be."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypeVar

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.services.tick import parse_instant

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file, whose values are asked for by column."""

    path: Path
    line: int
    values: Mapping[str, str]

    def text(self, column: str) -> str:
        """A text of 1 to 255 printable characters."""
        value = self.values[column]
        if not value or len(value) > 255 or not value.isprintable():
            raise self.error(column, "a text of 1 to 255 printable characters")
        return value

    def choice(self, column: str, choices: Sequence[str]) -> str:
        """One of some words."""
        if self.values[column] not in choices:
            raise self.error(column, f"one of {', '.join(choices)}")
        return self.values[column]

    def number(self, column: str, fits: Callable[[Decimal], bool], expected: str) -> Decimal:
        """A finite number that fits; `expected` says which do."""
        try:
            value = Decimal(self.values[column])
        except InvalidOperation:
            value = Decimal("NaN")
        if not value.is_finite() or not fits(value):
            raise self.error(column, f"a number {expected}")
        return value

    def instant(self, column: str) -> datetime:
        """An ISO 8601 time with a zone."""
        return self.read(column, lambda text: parse_instant(column, text))

    def read(self, column: str, reader: Callable[[str], T]) -> T:
        """What a reader makes of the cell; its sentence gets file and line."""
        try:
            return reader(self.values[column])
        except InputError as error:
            message = f"{self.path.name}, line {self.line}: {error}"
            raise InputError(message) from error

    def error(self, column: str, expected: str) -> InputError:
        """A sentence that names line, column, value and what was expected."""
        value = self.values[column]
        return InputError(
            f"{self.path.name}, line {self.line}: {column} is {value!r}; expected {expected}"
        )


def read_rows(path: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> list[Row]:
    """Read a file with these columns and no others.

    Raises:
        InputError: It can't be read, lacks a column, or has one that is not known.
    """
    known = [*columns, *optional]
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                message = f"{path.name} lacks the columns {', '.join(missing)}"
                raise InputError(message)
            # A mistyped one would be left out in silence, and a position follow another policy.
            foreign = [name for name in reader.fieldnames or () if name not in known]
            if foreign:
                message = f"{path.name} has a column {foreign[0]!r}; expected {', '.join(known)}"
                raise InputError(message)
            return [_row(path, reader.line_num, values) for values in reader]
    except OSError as error:
        message = f"{path} can't be read: {error.strerror}"
        raise InputError(message) from error
    except (UnicodeDecodeError, csv.Error) as error:
        message = f"{path.name} is not a CSV file in UTF-8"
        raise InputError(message) from error


def _row(path: Path, line: int, values: Mapping[str | None, Any]) -> Row:
    # DictReader keeps what is beyond the last column under None: the rest of a policy, say, whose
    # commas were not quoted.
    if beyond := values.get(None):
        message = (
            f"{path.name}, line {line}: {', '.join(beyond)!r} is beyond the last column; expected "
            f"a value with commas in double quotes"
        )
        raise InputError(message)
    return Row(path, line, {name: (text or "").strip() for name, text in values.items() if name})
