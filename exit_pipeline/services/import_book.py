"""Read books of positions and gamma signals from CSV files, and take them in."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final, TypeVar

from exit_pipeline.core.model.contract import parse_contract
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.policy_layer import PolicyLibrary
from exit_pipeline.core.model.position import UNASSIGNED, PositionSide
from exit_pipeline.core.model.record import NewPosition
from exit_pipeline.policies import shipped_policies
from exit_pipeline.ports import Broker, Database, TakesDeposits
from exit_pipeline.services.check_policy import check_policy
from exit_pipeline.services.tick import parse_instant

T = TypeVar("T")

OPTIONAL_COLUMNS: Final = ("timeframe", "policy")
BOOK_COLUMNS: Final = ("id", "account", "symbol", "side", "quantity", "entry_price", "entry_time")
SIGNAL_COLUMNS: Final = ("id", "symbol", "timeframe", "strength", "direction", "timestamp")


def read_book(
    path: Path, *, broker: str, environment: str, policies: PolicyLibrary | None = None
) -> list[NewPosition]:
    """Read positions from a CSV file with ``BOOK_COLUMNS`` and, if wanted, timeframe and policy.

    Args:
        path: The file.
        broker: Name of the broker that holds the positions.
        environment: Where they live.
        policies: The named policies; None for the shipped ones.

    Raises:
        InputError: The file can't be read, or a row has a value that can't be: the sentence names
            line, column, value and what was expected.
    """
    rows = _rows(path, BOOK_COLUMNS, OPTIONAL_COLUMNS)
    library = policies or shipped_policies()
    positions = [_position(row, broker, environment, library) for row in rows]
    _refuse_duplicates(rows)
    return positions


def read_gex_signals(path: Path) -> list[dict[str, object]]:
    """Read gamma signals from a CSV file with the columns of ``SIGNAL_COLUMNS``.

    Raises:
        InputError: As for ``read_book``.
    """
    rows = _rows(path, SIGNAL_COLUMNS)
    signals: list[dict[str, object]] = [
        {
            "id": row.text("id"),
            "symbol": row.text("symbol"),
            "timeframe": row.values["timeframe"] or None,
            "strength": row.number("strength", lambda value: abs(value) <= 1, "from -1 to 1"),
            "direction": row.choice("direction", ("CALL", "PUT")),
            "timestamp": row.instant("timestamp"),
        }
        for row in rows
    ]
    _refuse_duplicates(rows)
    return signals


def import_book(positions: Sequence[NewPosition], *, broker: Broker, database: Database) -> int:
    """Take positions in; the paper broker's ledger receives them first. Returns how many were new.

    Both steps count each id once, so an import that was cut off is simply done again.

    Raises:
        InputError: An id exists with other content; nothing was imported.
    """
    database.positions.check_import(positions)
    if isinstance(broker, TakesDeposits):
        broker.deposit(positions)
    return database.positions.import_positions(positions)


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of a file, whose values are asked for by column."""

    path: Path
    line: int
    values: Mapping[str, str]

    def text(self, column: str) -> str:
        value = self.values[column]
        if not value or len(value) > 255 or not value.isprintable():
            raise self.error(column, "a text of 1 to 255 printable characters")
        return value

    def choice(self, column: str, choices: Sequence[str]) -> str:
        if self.values[column] not in choices:
            raise self.error(column, f"one of {', '.join(choices)}")
        return self.values[column]

    def number(self, column: str, fits: Callable[[Decimal], bool], expected: str) -> Decimal:
        try:
            value = Decimal(self.values[column])
        except InvalidOperation:
            value = Decimal("NaN")
        if not value.is_finite() or not fits(value):
            raise self.error(column, f"a number {expected}")
        return value

    def instant(self, column: str) -> datetime:
        return self.read(column, lambda text: parse_instant(column, text))

    def read(self, column: str, reader: Callable[[str], T]) -> T:
        try:
            return reader(self.values[column])
        except InputError as error:
            message = f"{self.path.name}, line {self.line}: {error}"
            raise InputError(message) from error

    def error(self, column: str, expected: str) -> InputError:
        value = self.values[column]
        return InputError(
            f"{self.path.name}, line {self.line}: {column} is {value!r}; expected {expected}"
        )


def _position(row: _Row, broker: str, environment: str, library: PolicyLibrary) -> NewPosition:
    policy = row.values.get("policy") or None
    if policy:
        row.read("policy", lambda text: check_policy(text, library))
    price = row.number("entry_price", _is_price, "of dollars above 0 with up to four decimals")
    quantity = row.number("quantity", _is_count, "of whole contracts from 1 to 999999")
    return NewPosition(
        id=row.text("id"),
        symbol=row.read("symbol", _symbol),
        side=row.choice("side", [side.value for side in PositionSide]),
        quantity=int(quantity),
        entry_price=price,
        entry_time=row.instant("entry_time"),
        account=row.read("account", lambda _: _account(row.text("account"))),
        broker=broker,
        environment=environment,
        timeframe=row.text("timeframe") if row.values.get("timeframe") else None,
        policy=policy,
    )


def _symbol(text: str) -> str:
    contract = parse_contract(text)
    if contract.strike == 0:
        message = f"option symbol {text!r} has a strike of 0; expected one above 0"
        raise InputError(message)
    return contract.symbol


def _account(text: str) -> str:
    if text == UNASSIGNED:
        message = f"account is {text!r}, which stands for positions that no broker has"
        raise InputError(message)
    return text


def _is_count(value: Decimal) -> bool:
    return 0 < value < 1_000_000 and value == int(value)


def _is_price(value: Decimal) -> bool:
    return 0 < value < 1_000_000 and value == round(value, 4)


def _rows(path: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> list[_Row]:
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


def _row(path: Path, line: int, values: Mapping[str | None, Any]) -> _Row:
    # DictReader keeps what is beyond the last column under None: the rest of a policy, say, whose
    # commas were not quoted.
    if beyond := values.get(None):
        message = (
            f"{path.name}, line {line}: {', '.join(beyond)!r} is beyond the last column; expected "
            f"a value with commas in double quotes"
        )
        raise InputError(message)
    return _Row(path, line, {name: (text or "").strip() for name, text in values.items() if name})


def _refuse_duplicates(rows: Sequence[_Row]) -> None:
    seen: set[str] = set()
    for row in rows:
        one = row.values["id"]
        if one in seen:
            message = (
                f"{row.path.name}, line {row.line}: id is {one!r}, which an earlier line has "
                f"already; expected each id once"
            )
            raise InputError(message)
        seen.add(one)
