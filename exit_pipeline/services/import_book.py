"""Read books of positions and gamma signals from CSV files, and take them in."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

from exit_pipeline.core.model.contract import parse_contract
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.policy_layer import PolicyLibrary
from exit_pipeline.core.model.position import UNASSIGNED, PositionSide
from exit_pipeline.core.model.record import NewPosition
from exit_pipeline.policies import shipped_policies
from exit_pipeline.ports import Broker, Database, TakesDeposits
from exit_pipeline.services.check_policy import check_policy
from exit_pipeline.services.csv_rows import Row, read_rows

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
    rows = read_rows(path, BOOK_COLUMNS, OPTIONAL_COLUMNS)
    library = policies or shipped_policies()
    positions = [_position(row, broker, environment, library) for row in rows]
    _refuse_duplicates(rows)
    return positions


def read_gex_signals(path: Path) -> list[dict[str, object]]:
    """Read gamma signals from a CSV file with the columns of ``SIGNAL_COLUMNS``.

    Raises:
        InputError: As for ``read_book``.
    """
    rows = read_rows(path, SIGNAL_COLUMNS)
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


def _position(row: Row, broker: str, environment: str, library: PolicyLibrary) -> NewPosition:
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


def _refuse_duplicates(rows: Sequence[Row]) -> None:
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
