"""The commands about positions: import, adopt and list."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from exit_pipeline.adapters.clocks.system import SystemClock
from exit_pipeline.cli import group
from exit_pipeline_tests.fake_brokers.alpaca import FakeAlpaca
from exit_pipeline_tests.fake_brokers.alpaca_rows import ACCOUNT
from exit_pipeline_tests.fakes import FixedClock

Run = Callable[..., Any]
Refusal = Callable[..., str]

HEADER = "id,account,symbol,side,quantity,entry_price,entry_time\n"
LINE = "{id},desk,ACME270115C00100000,LONG,{quantity},2.00,2026-03-16T10:00:00-04:00\n"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.csv"
    rows = LINE.format(id="a", quantity=3) + LINE.format(id="b", quantity=1)
    path.write_text(HEADER + rows, encoding="utf-8")
    return path


def test_a_book_is_imported_once_and_then_known(run: Run, book: Path) -> None:
    assert run("positions", "import", book).stdout == (
        "2 positions imported into paper/paper, 0 were there already\n"
    )
    assert run("positions", "import", book).stdout == (
        "0 positions imported into paper/paper, 2 were there already\n"
    )


def test_gamma_signals_are_imported_beside_a_book(run: Run, book: Path, tmp_path: Path) -> None:
    (tmp_path / "gex.csv").write_text(
        "id,symbol,timeframe,strength,direction,timestamp\n"
        "gex-1,ACME,5m,0.6,PUT,2026-03-16T15:00:00Z\n",
        encoding="utf-8",
    )
    shown = run("positions", "import", book, "--gex-signals", "gex.csv").stdout
    assert shown.endswith("1 gamma signals imported, 0 were there already\n")


def test_positions_are_listed_as_a_table_and_for_scripts(run: Run, book: Path) -> None:
    run("positions", "import", book)
    shown = run("positions", "list").stdout
    assert "ACME270115C00100000" in shown
    assert "paper/paper/desk" in shown
    first, second = json.loads(run("positions", "list", "--json").stdout)
    assert (first["id"], first["open_quantity"], first["entry_price"]) == ("a", 3, "2.0000")
    assert (second["id"], second["status"], second["realized_pnl"]) == ("b", "OPEN", None)


def test_the_list_of_another_environment_is_empty_and_says_what_to_do(run: Run, book: Path) -> None:
    run("positions", "import", book, "--environment", "simulated")
    assert "No positions." in run("positions", "list", "--environment", "tape").stdout
    assert json.loads(run("positions", "list", "--environment", "tape", "--json").stdout) == []
    assert len(json.loads(run("positions", "list", "--json").stdout)) == 2


def test_a_bad_row_is_one_sentence_and_nothing_is_imported(
    run: Run, refusal: Refusal, book: Path
) -> None:
    with book.open("a", encoding="utf-8") as file:
        file.write(LINE.format(id="c", quantity=0))
    assert refusal("positions", "import", book) == (
        "book.csv, line 4: quantity is '0'; expected a number of whole contracts from 1 to 999999"
    )
    assert json.loads(run("positions", "list", "--json").stdout) == []


def test_a_file_that_is_not_there_is_one_sentence(refusal: Refusal) -> None:
    assert refusal("positions", "import", "no.csv") == (
        "no.csv can't be read: No such file or directory"
    )


def test_the_paper_broker_takes_no_live_positions(refusal: Refusal, book: Path) -> None:
    assert refusal("positions", "import", book, "--environment", "live").endswith(
        "'paper', which is never live"
    )


@pytest.mark.parametrize("command", [["import", "book.csv"], ["list"]], ids=["import", "list"])
def test_an_environment_that_no_run_works_in_is_refused(command: list[str]) -> None:
    """Regression: positions were imported where no tick would ever have looked at them."""
    result = CliRunner().invoke(group, ["positions", *command, "--environment", "papre"])
    assert result.exit_code == 2
    assert "'papre' is not one of 'paper', 'live', 'tape', 'simulated'" in result.stderr


CALL, PUT = "ACME270115C00100000", "ACME270115P00090000"
IMPORTED = f"alpaca-{ACCOUNT}-{CALL}"
EITHER = "positions import takes either FILE, with or without --gex-signals, or --broker"


@pytest.fixture
def alpaca(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAlpaca]:
    """A paper account that holds two calls, which the program is set to work."""
    with FakeAlpaca(FixedClock(SystemClock().now())) as fake:
        settings = {"EXIT_BROKER": "alpaca", "EXIT_MARKET_DATA": "alpaca"}
        for name, value in (settings | fake.environ).items():
            monkeypatch.setenv(name, value)
        fake.ledger.trade(CALL, 2, "3.10")
        yield fake


@pytest.mark.usefixtures("alpaca")
def test_what_the_broker_holds_is_imported_once_and_then_known(run: Run) -> None:
    assert run("positions", "import", "--broker").stdout == (
        f"alpaca/paper/{ACCOUNT}:\n  {IMPORTED}: LONG 2 at 3.10 imported, not managed until it is "
        "adopted (exit-pipeline positions adopt)\n"
    )
    assert run("positions", "import", "--broker", "--account", ACCOUNT).stdout == (
        f"alpaca/paper/{ACCOUNT}: nothing has changed\n"
    )
    (line,) = json.loads(run("positions", "list", "--json").stdout)
    assert (line["id"], line["managed"], line["spread_leg"]) == (IMPORTED, False, False)
    assert "OPEN unmanaged" in run("positions", "list").stdout


@pytest.mark.usefixtures("alpaca")
def test_an_imported_position_is_adopted_without_naming_its_account(
    run: Run, refusal: Refusal
) -> None:
    run("positions", "import", "--broker")
    assert refusal("positions", "adopt", IMPORTED, "--account", "PA2") == (
        f"account is 'PA2'; position '{IMPORTED}' is held in {ACCOUNT}"
    )
    assert run("positions", "adopt", IMPORTED).stdout == "1 positions adopted into alpaca/paper\n"
    assert "unmanaged" not in run("positions", "list").stdout


def test_legs_of_a_spread_are_shown_and_not_adopted(
    run: Run, refusal: Refusal, alpaca: FakeAlpaca
) -> None:
    alpaca.ledger.trade(PUT, -1)
    shown = run("positions", "import", "--broker").stdout
    put = f"alpaca-{ACCOUNT}-{PUT}"
    assert f"  {IMPORTED} looks like a leg of a spread with {put}" in shown
    assert run("positions", "list").stdout.count("unmanaged spread leg") == 2
    assert refusal("positions", "adopt", IMPORTED) == (
        f"{IMPORTED} looks like a leg of a spread with {put}; it can't be adopted singly"
    )


@pytest.mark.usefixtures("alpaca")
def test_another_account_than_the_brokers_is_one_sentence(refusal: Refusal) -> None:
    assert refusal("positions", "import", "--broker", "--account", "PA2") == (
        f"account is 'PA2'; the broker alpaca knows {ACCOUNT}"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param([], EITHER, id="neither"),
        pytest.param(["book.csv", "--broker"], EITHER, id="both"),
        pytest.param(["--broker", "--gex-signals", "gex.csv"], EITHER, id="signals of a broker"),
        pytest.param(
            ["book.csv", "--account", "desk"],
            "account is 'desk' without --broker; a file names its accounts itself",
            id="an account with a file",
        ),
        pytest.param(
            ["--broker"],
            "broker is 'paper', whose ledger is filled from CSV files; expected another one, or: "
            "exit-pipeline positions import FILE.csv",
            id="the paper broker",
        ),
    ],
)
def test_an_import_from_a_broker_that_cant_be_is_one_sentence(
    refusal: Refusal, arguments: list[str], said: str
) -> None:
    assert refusal("positions", "import", *arguments) == said
