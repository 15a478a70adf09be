"""Reading books and gamma signals from CSV files, and taking them in."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.record import NewPosition
from exit_pipeline.services.import_book import import_book, read_book, read_gex_signals
from exit_pipeline_tests.desk import CALL, PUT, Desk

HEADER = "id,account,symbol,side,quantity,entry_price,entry_time,timeframe,policy"
GOOD = {
    "id": "a",
    "account": "desk",
    "symbol": CALL,
    "side": "LONG",
    "quantity": "10",
    "entry_price": "2.00",
    "entry_time": "2026-03-16T10:00:00-04:00",
    "timeframe": "15m",
    "policy": "stop_loss.percent=25",
}
SIGNAL = {
    "id": "gex-1",
    "symbol": "ACME",
    "timeframe": "5m",
    "strength": "0.62",
    "direction": "PUT",
    "timestamp": "2026-03-17T13:55:00+00:00",
}


@pytest.fixture
def desk(database_url: str) -> Desk:
    return Desk(database_url)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "book.csv"


def write(path: Path, *rows: dict[str, str], encoding: str = "utf-8") -> None:
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding=encoding)


def read(path: Path) -> list[NewPosition]:
    return read_book(path, broker="paper", environment="paper")


def take_in(desk: Desk, path: Path) -> int:
    return import_book(read(path), broker=desk.broker, database=desk.database)


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read(path)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


def test_a_row_becomes_a_position_of_the_broker_and_environment_given(file: Path) -> None:
    write(file, GOOD)
    assert read(file) == [
        NewPosition(
            id="a",
            symbol=CALL,
            side="LONG",
            quantity=10,
            entry_price=Decimal("2.00"),
            entry_time=datetime(2026, 3, 16, 14, tzinfo=UTC),
            account="desk",
            broker="paper",
            environment="paper",
            timeframe="15m",
            policy="stop_loss.percent=25",
        )
    ]


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({"timeframe": "", "policy": ""}, id="blank"),
        pytest.param({"timeframe": " ", "policy": " "}, id="spaces"),
        pytest.param({}, id="absent"),
    ],
)
def test_the_last_two_columns_are_optional(file: Path, columns: dict[str, str]) -> None:
    needed = {name: text for name, text in GOOD.items() if name not in ("timeframe", "policy")}
    write(file, needed | columns)
    (position,) = read(file)
    assert (position.timeframe, position.policy) == (None, None)


def test_a_file_of_a_spreadsheet_with_its_byte_order_mark_is_read(file: Path) -> None:
    write(file, GOOD, encoding="utf-8-sig")
    assert [position.id for position in read(file)] == ["a"]


def test_a_mistyped_column_is_refused_instead_of_left_out(file: Path) -> None:
    write(file, GOOD | {"polcy": "stop_loss.percent=25"})
    assert "has a column 'polcy'; expected id, account," in refusal(file)


def test_columns_are_found_by_name_and_blanks_around_values_do_not_count(file: Path) -> None:
    write(file, {name: f" {text} " for name, text in reversed(GOOD.items())})
    # The header is exact; only the values are trimmed.
    assert read(file)[0].entry_price == Decimal("2.00")


def test_a_policy_with_commas_is_taken_whole_in_quotes(file: Path) -> None:
    write(file, GOOD | {"policy": '"stop_loss.percent=25, gex_flip=off"'})
    assert read(file)[0].policy == "stop_loss.percent=25, gex_flip=off"


def test_a_policy_with_unquoted_commas_is_refused_instead_of_cut_off(file: Path) -> None:
    """Regression: the position got a policy of which the last part was missing."""
    write(file, GOOD | {"policy": "stop_loss.percent=25, gex_flip=off"})
    assert refusal(file) == (
        "book.csv, line 2: ' gex_flip=off' is beyond the last column; expected a value with "
        "commas in double quotes"
    )


COUNT = "a number of whole contracts from 1 to 999999"
PRICE = "a number of dollars above 0 with up to four decimals"
TEXT = "a text of 1 to 255 printable characters"
SYMBOL = "is not a compact OCC symbol such as GOOG151224C00752500"
INSTANT = "an ISO 8601 time with a time zone, such as 2015-12-24T11:30:00-05:00"


@pytest.mark.parametrize(
    ("column", "text", "said"),
    [
        ("id", "", f"id is ''; expected {TEXT}"),
        ("id", "x" * 256, f"expected {TEXT}"),
        ("account", "", f"account is ''; expected {TEXT}"),
        ("symbol", "ACME", f"option symbol 'ACME' {SYMBOL}"),
        ("symbol", CALL.lower(), SYMBOL),
        ("symbol", "ACME260230C00100000", "names the date 260230, which does not exist"),
        ("side", "long", "side is 'long'; expected one of LONG, SHORT"),
        ("side", "", "side is ''; expected one of LONG, SHORT"),
        ("quantity", "0", f"quantity is '0'; expected {COUNT}"),
        ("quantity", "-1", f"quantity is '-1'; expected {COUNT}"),
        ("quantity", "1.5", f"quantity is '1.5'; expected {COUNT}"),
        ("quantity", "ten", f"quantity is 'ten'; expected {COUNT}"),
        ("quantity", "1000000", f"quantity is '1000000'; expected {COUNT}"),
        ("quantity", "1e999999999", f"quantity is '1e999999999'; expected {COUNT}"),
        ("entry_price", "0", f"entry_price is '0'; expected {PRICE}"),
        ("entry_price", "-2.00", f"entry_price is '-2.00'; expected {PRICE}"),
        ("entry_price", "NaN", f"entry_price is 'NaN'; expected {PRICE}"),
        ("entry_price", "inf", f"entry_price is 'inf'; expected {PRICE}"),
        ("entry_price", "2.00001", f"entry_price is '2.00001'; expected {PRICE}"),
        ("entry_price", "$2", f"entry_price is '$2'; expected {PRICE}"),
        ("entry_time", "yesterday", f"entry_time is 'yesterday'; expected {INSTANT}"),
        ("entry_time", "2026-03-16T10:00:00", f"has no time zone; expected {INSTANT}"),
        ("policy", "stop_los.percent=25", "policy override 'stop_los.percent=25' must be"),
        ("policy", "stop_loss.percent=-25", "policy threshold stop_loss.percent = '-25'"),
    ],
)
def test_a_bad_value_is_named_with_file_line_and_column(
    file: Path, column: str, text: str, said: str
) -> None:
    write(file, GOOD, GOOD | {"id": "b", column: text})
    sentence = refusal(file)
    assert sentence.startswith("book.csv, line 3: ")
    assert said in sentence


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "lacks the columns id, account", id="empty"),
        pytest.param(b"id,account\na,desk\n", "lacks the columns symbol, side", id="few columns"),
        pytest.param(b"\xff\xfei\x00d\x00", "is not a CSV file in UTF-8", id="UTF-16"),
        pytest.param(b"id;account;symbol\n", "lacks the columns id", id="semicolons"),
    ],
)
def test_a_file_that_is_no_book_is_refused(file: Path, content: bytes, said: str) -> None:
    file.write_bytes(content)
    sentence = refusal(file)
    assert sentence.startswith("book.csv ")
    assert said in sentence


def test_a_file_that_is_not_there_is_named(file: Path) -> None:
    assert refusal(file) == f"{file} can't be read: No such file or directory"


def test_a_book_without_rows_is_an_empty_book(file: Path) -> None:
    file.write_text(HEADER + "\n", encoding="utf-8")
    assert read(file) == []


def test_an_id_that_comes_twice_is_refused_with_its_own_line(file: Path) -> None:
    rows = [",".join(GOOD.values()), "", ",".join(GOOD.values())]
    file.write_text("\n".join([HEADER, *rows]), encoding="utf-8")
    assert refusal(file) == (
        "book.csv, line 4: id is 'a', which an earlier line has already; expected each id once"
    )


def test_positions_are_deposited_at_the_broker_and_managed(desk: Desk, file: Path) -> None:
    write(file, GOOD, GOOD | {"id": "b", "symbol": PUT, "side": "SHORT", "quantity": "2"})
    assert take_in(desk, file) == 2
    held = {one.symbol: one.quantity for one in desk.broker.positions("desk")}
    assert held == {CALL: 10, PUT: -2}
    assert [(line.id, line.open_quantity) for line in desk.database.positions.listing()] == [
        ("a", 10),
        ("b", 2),
    ]


def test_a_second_import_counts_as_known_and_changes_nothing(desk: Desk, file: Path) -> None:
    write(file, GOOD)
    take_in(desk, file)
    before = desk.rows("SELECT * FROM refactored_positions")
    write(file, GOOD, GOOD | {"id": "b"})
    assert take_in(desk, file) == 1
    assert desk.rows("SELECT * FROM refactored_positions WHERE id = 'a'") == before
    assert [one.quantity for one in desk.broker.positions("desk")] == [20]


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("side", "SHORT"),
        ("symbol", PUT),
        ("quantity", "11"),
        ("entry_price", "2.01"),
        ("account", "other"),
        ("entry_time", "2026-03-16T10:00:01-04:00"),
    ],
)
def test_other_content_under_a_known_id_is_refused_and_nothing_is_deposited(
    desk: Desk, file: Path, column: str, text: str
) -> None:
    write(file, GOOD)
    take_in(desk, file)
    write(file, GOOD | {"id": "new"}, GOOD | {column: text})
    with pytest.raises(InputError, match=f"position 'a' exists with {column}") as caught:
        take_in(desk, file)
    assert "\n" not in str(caught.value)
    assert [line.id for line in desk.database.positions.listing()] == ["a"]
    assert desk.rows("SELECT deposit_id FROM paper.deposits") == [{"deposit_id": "a"}]
    assert [one.quantity for one in desk.broker.positions("desk")] == [10]


def test_an_import_that_was_cut_off_between_its_steps_is_done_again(desk: Desk, file: Path) -> None:
    write(file, GOOD)
    desk.broker.deposit(read(file))
    assert take_in(desk, file) == 1
    assert [one.quantity for one in desk.broker.positions("desk")] == [10]


def test_gamma_signals_are_read_and_imported_once(desk: Desk, file: Path) -> None:
    write(file, SIGNAL, SIGNAL | {"id": "gex-2", "strength": "-1", "timeframe": ""})
    signals = read_gex_signals(file)
    assert signals[0] == {
        "id": "gex-1",
        "symbol": "ACME",
        "timeframe": "5m",
        "strength": Decimal("0.62"),
        "direction": "PUT",
        "timestamp": datetime(2026, 3, 17, 13, 55, tzinfo=UTC),
    }
    assert signals[1]["timeframe"] is None
    assert desk.database.signals.import_gex_signals(signals) == 2
    assert desk.database.signals.import_gex_signals(signals) == 0


@pytest.mark.parametrize(
    ("column", "text", "said"),
    [
        ("id", "", f"id is ''; expected {TEXT}"),
        ("symbol", "", f"symbol is ''; expected {TEXT}"),
        ("strength", "1.01", "strength is '1.01'; expected a number from -1 to 1"),
        ("strength", "strong", "strength is 'strong'; expected a number from -1 to 1"),
        ("direction", "UP", "direction is 'UP'; expected one of CALL, PUT"),
        ("timestamp", "2026-03-17T13:55:00", f"has no time zone; expected {INSTANT}"),
        ("id", "gex-1", "id is 'gex-1', which an earlier line has already"),
    ],
)
def test_a_bad_gamma_signal_is_named_with_file_line_and_column(
    file: Path, column: str, text: str, said: str
) -> None:
    write(file, SIGNAL, SIGNAL | {"id": "gex-2", column: text})
    with pytest.raises(InputError) as caught:
        read_gex_signals(file)
    assert str(caught.value).startswith("book.csv, line 3: ")
    assert said in str(caught.value)
