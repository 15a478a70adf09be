"""The commands that show the past under other policies."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from exit_pipeline.adapters.clients.postgres_engine import make_engine
from exit_pipeline.adapters.database.postgres.database import PostgresDatabase
from exit_pipeline_tests.adapters.market_data.tape import write_tape
from exit_pipeline_tests.core.replay.test_ten_rows import BOOK
from exit_pipeline_tests.desk import CALL, FAR_CALL, MORNING, TUESDAY, Desk
from exit_pipeline_tests.recorded import record

Run = Callable[..., Any]
Refusal = Callable[..., str]
DAY = ("--from", "2026-03-17", "--to", "2026-03-17")


@pytest.fixture
def desk(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Two positions at three ticks; one gains 60 % at the last, the other is never quoted."""
    monkeypatch.setenv("EXIT_SHADOW_POLICIES", "tight=stop_loss.percent=10")
    desk = Desk(database_url)
    desk.hold("a", quantity=4)
    desk.hold("b", FAR_CALL)
    for bid, ask in (("1.99", "2.01"), ("1.79", "1.81"), ("3.19", "3.21")):
        desk.quote(CALL, bid, ask)
        desk.tick()
        desk.later()
    return desk


@pytest.fixture
def ten_rows(database_url: str) -> Iterator[None]:
    """The ten rows of the core's example, without a tick."""
    engine = make_engine(database_url)
    record(PostgresDatabase(engine), BOOK, positions=["A"] * 7 + ["B"] * 3)
    yield
    engine.dispose()


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.usefixtures("desk")
def test_a_what_if_is_told_in_tables(run: Run) -> None:
    shown = words(run("replay", "what-if", *DAY, "--policy", "stop_loss.percent=10").stdout)
    assert "6 decisions on 2 positions (no dry runs), beside recorded exits" in shown
    # 2 at 3.19 as recorded, and 4 at 1.79: 2 x 118.33 + 2 x 119.00, and 4 x -21.67.
    assert "474.66" in shown
    assert "-86.68" in shown
    assert "-561.34" in shown
    assert "4 at 1.79, STOP_LOSS, 03-17 10:05" in shown
    assert "2 at 3.19, PROFIT_TARGET, 03-17 10:10" in shown
    assert "PROFIT_TARGET │ STOP_LOSS" in shown
    assert "A position brings -86.68 dollars on average, and 474.66 as it left." in shown
    assert "Positions of which no quote tells what they are worth: 1;" in shown
    assert "An exit counts as filled in full" in shown


@pytest.mark.usefixtures("desk")
def test_a_grid_is_a_row_for_each_combination(run: Run) -> None:
    grids = ("--grid", "stop_loss.percent=10,30", "--grid", "profit_target.percent=50,70")
    shown = run("replay", "what-if", *DAY, *grids).stdout
    rows = [line.split("│") for line in shown.splitlines() if line.startswith("│own")]
    assert [[cell.strip() for cell in row[2:4]] for row in rows] == [
        ["10", "50"], ["10", "70"], ["30", "50"], ["30", "70"]
    ]  # fmt: skip
    assert "would leave for" not in shown


@pytest.mark.usefixtures("desk")
def test_the_whole_of_it_is_json(run: Run) -> None:
    asked = ("--set", "stop_loss.percent=10", "--compare-to", "default", "--fee", "0", "--json")
    told = json.loads(run("replay", "what-if", *DAY, *asked).stdout)
    (one,) = told["policies"]
    assert told["compare_to"] == "default"
    assert (told["decisions"], told["recorded_positions"], told["fee"]) == (6, 2, "0")
    assert (one["label"], one["difference"]["total"]) == ("own, stop_loss.percent=10", "-560.0000")
    a, b = one["positions"]
    assert [exit["reason"] for exit in a["policy_exits"]] == ["STOP_LOSS"]
    assert (b["symbol"], b["difference"], b["policy_days_held"]) == (FAR_CALL, None, pytest.approx(
        1 + 10 / 1440))  # fmt: skip


@pytest.mark.usefixtures("desk")
def test_a_file_and_a_name_are_policies_too(run: Run, tmp_path: Path) -> None:
    (tmp_path / "tight.yaml").write_text("rules: {stop_loss: {percent: 10}}\n")
    asked = ("--policy", "tight.yaml", "--policy", "long_premium", "--compare-to", "tight.yaml")
    told = json.loads(run("replay", "what-if", *DAY, *asked, "--json").stdout)
    assert [one["label"] for one in told["policies"]] == ["tight", "long_premium"]
    assert told["policies"][0]["difference"]["total"] == "0.0000"


@pytest.mark.usefixtures("desk")
def test_a_row_for_each_policy_and_position_is_written_as_parquet(run: Run, tmp_path: Path) -> None:
    asked = ("--grid", "stop_loss.percent=10,30", "--parquet", tmp_path / "what_if.parquet")
    assert "Written: " in run("replay", "what-if", *DAY, *asked).stdout
    table = pq.read_table(tmp_path / "what_if.parquet")
    assert table.num_rows == 4
    first = table.to_pylist()[0]
    assert first["grid stop_loss.percent"] == "10"
    assert (first["position_id"], str(first["difference"])) == ("a", "-561.3400")
    assert first["policy_at"] == MORNING + timedelta(minutes=5)
    assert first["policy_exits"] == "4 STOP_LOSS at 1.79"


@pytest.mark.usefixtures("desk")
def test_the_page_holds_all_that_it_shows(run: Run, tmp_path: Path) -> None:
    page = tmp_path / "what_if.html"
    run("replay", "what-if", *DAY, "--policy", "stop_loss.percent=10", "--html", page)
    text = page.read_text(encoding="utf-8")
    assert "http" not in text
    assert 'src="data:image/png;base64,' in text
    assert "-561.34" in text
    assert "4 at 1.79, STOP_LOSS, 03-17 10:05" in text


def test_prices_of_a_tape_go_on_where_the_record_ends(desk: Desk, run: Run, tmp_path: Path) -> None:
    quotes = [(MORNING + timedelta(minutes=12), CALL, 4.0, 4.02, 9, 9)]
    prices = [(MORNING + timedelta(minutes=minute), "ACME", 101.0) for minute in range(30)]
    write_tape(tmp_path / "tape", TUESDAY, quotes, prices)
    asked = ("--policy", "profit_target.percent=90", "--tape", tmp_path / "tape", "--json")
    told = json.loads(run("replay", "what-if", *DAY, *asked).stdout)
    (one,) = told["policies"]
    first = one["positions"][0]["policy_exits"][0]
    assert (first["contracts"], first["price"], first["reason"]) == (2, "4.0000", "PROFIT_TARGET")
    assert first["at"].startswith("2026-03-17T14:15:00")
    assert any("The tape has no quote of" in note for note in told["notes"])
    assert desk.rows("SELECT * FROM replay_days") == []


@pytest.mark.usefixtures("desk")
def test_shadow_policies_are_compared_with_what_was_done(run: Run, tmp_path: Path) -> None:
    shown = words(run("replay", "shadow", *DAY, "--html", tmp_path / "shadow.html").stdout)
    assert "tight" in shown
    assert "-561.34" in shown
    assert "Each shadow policy is compared from a position's first tick with it" in shown
    told = json.loads(run("replay", "shadow", *DAY, "--policy", "tight", "--json").stdout)
    assert [one["label"] for one in told["policies"]] == ["tight"]
    assert "tight" in (tmp_path / "shadow.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--policy", "lucky"), "policy 'lucky' has 'lucky', which is neither a name of"),
        (("--policy", "none.yaml"), "can't be read: No such file or directory"),
        (("--compare-to", "lucky", "--set", "stop_loss.percent=10"), "policy 'lucky' has 'lucky'"),
        ((), "there is nothing to try; expected a policy, a change or a grid"),
        (("--set", "luck"), "change 'luck' is none; expected SECTION.THRESHOLD=VALUE, RULE=on or"),
        (("--set", "stop_loss.percent=x"), "policy threshold stop_loss.percent = 'x' is not"),
        (("--grid", "stop_loss.percent"), "--grid is 'stop_loss.percent'; expected SECTION."),
        (("--grid", "=1,2"), "--grid is '=1,2'; expected SECTION.THRESHOLD=VALUE,VALUE, such as"),
        (("--grid", "stop_loss.percent=5,,6"), "grid of stop_loss.percent has the values '5, , 6'"),
        (("--grid", "stop_loss.luck=5"), "policy threshold stop_loss.luck = '5' is not usable"),
        (("--policy", "default", "--fee", "much"), "--fee is 'much'; expected dollars such as"),
        (("--policy", "default", "--show", "-1"), "show is -1; expected 0 or more positions"),
        (("--policy", "default", "--tape", "none"), "must be a folder of YYYY-MM-DD folders"),
        (("--policy", "default", "--parquet", "no/x.parquet"), "no/x.parquet can't be written"),
        (("--policy", "default", "--html", "no/x.html"), "no/x.html can't be written: No such"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("ten_rows")
def test_what_can_t_be_tried_is_said_in_one_sentence(
    refusal: Refusal, arguments: tuple[str, ...], said: str
) -> None:
    asked = ("--from", "2026-03-18", "--to", "2026-03-19")
    assert said in refusal("replay", "what-if", *asked, *arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("what-if", *DAY, "--policy", "default"), "no decision is recorded from 2026-03-17 to"),
        (("what-if", "--from", "2026-03-18", "--to", "2026-03-17"), "from 2026-03-18 is after to"),
        (("what-if", "--from", "17.3.", "--to", "2026-03-17"), "--from is '17.3.'; expected"),
        (("what-if", "--from", "1926-03-17", "--to", "2026-03-17", "--policy", "default"),
         "date 1926-03-17 is outside the XNYS"),
        (("shadow", *DAY), "no decision is recorded from 2026-03-17 to 2026-03-17 (no dry runs)"),
    ],
    ids=["nothing", "from after to", "no date", "too early", "no shadows"],
)  # fmt: skip
def test_a_range_that_is_none_is_said_in_one_sentence(
    refusal: Refusal, arguments: tuple[str, ...], said: str
) -> None:
    assert refusal("replay", *arguments).startswith(said)
