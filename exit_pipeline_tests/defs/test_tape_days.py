"""The tape job from end to end: decisions of past days, from a tape and a book."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from exit_pipeline.defs.resources import make_calendar, open_database
from exit_pipeline.defs.tape_days import NAME, POOL, tape_decisions, tape_job
from exit_pipeline.settings import Settings
from exit_pipeline_tests.adapters.market_data.tape import write_tape
from exit_pipeline_tests.defs.replays import RANGE, run_replay, said, shown
from exit_pipeline_tests.fakes import new_york

CALL = "ACME160115C00100000"
WEDNESDAY, SHORT_DAY = date(2015, 12, 23), date(2015, 12, 24)
Rows = Callable[[str], list[dict[str, Any]]]
Work = Callable[..., dg.ExecuteInProcessResult]

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dagster")


@pytest.fixture
def tapes(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the tape of a day on which a call gains 60 percent at 10:00, and a book."""
    opens = new_york(SHORT_DAY, 9, 29)
    minutes = [opens + timedelta(minutes=minute) for minute in range(211)]
    bids = [3.15 if at >= new_york(SHORT_DAY, 10) else 2.05 for at in minutes]
    options = [[at, CALL, bid, bid + 0.10, 50, 50] for at, bid in zip(minutes, bids, strict=True)]
    prices = [[at, "ACME", 98.0] for at in minutes] + [[at, "VIX", 15.5] for at in minutes]
    root = tmp_path / "tapes"
    write_tape(root / "acme", SHORT_DAY, options, prices)
    (root / "book.csv").write_text(
        "id,account,symbol,side,quantity,entry_price,entry_time\n"
        f"a,desk,{CALL},LONG,4,2.00,2015-12-22T10:00:00-05:00\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("EXIT_TAPE_DIR", str(root))
    return root


@pytest.fixture
def work(on: dg.DagsterInstance) -> Work:
    """Runs the job for a day, or for a range of them."""

    def work(first: date, last: date | None = None, **config: Any) -> dg.ExecuteInProcessResult:
        parts = {
            "database": open_database(Settings.from_env()),
            "calendar": make_calendar(),
            "io_manager": dg.mem_io_manager,
        }
        where = dg.Definitions(
            assets=[tape_decisions],
            jobs=[tape_job],
            resources=parts,
            executor=dg.in_process_executor,
        )
        which: dict[str, Any] = {"partition_key": str(first)}
        if last:
            which = {"tags": dict(zip(RANGE, (str(first), str(last)), strict=True))}
        return where.resolve_job_def("tape_job").execute_in_process(
            run_config={"ops": {NAME: {"config": config}}},
            instance=on,
            raise_on_error=False,
            **which,
        )

    return work


@pytest.mark.usefixtures("tapes")
def test_a_range_makes_history_that_is_marked_as_a_tape_s(work: Work, rows: Rows) -> None:
    result = work(WEDNESDAY, SHORT_DAY, tape="acme", book="book.csv")
    assert result.success
    days = shown(result)
    assert days[str(WEDNESDAY)] == {"decisions": 0, "note": "the tape has no 2015-12-23"}
    day = days[str(SHORT_DAY)]
    assert (day["ticks"], day["ticks_worked"], day["contracts_filled"]) == (42, 42, 2)
    assert day["exits"] == [{"reason": "PROFIT_TARGET", "decisions": 1}]
    assert rows("SELECT DISTINCT environment, mode, broker, dry_run FROM decision_runs") == [
        {"environment": "tape", "mode": "recorded", "broker": "paper", "dry_run": False}
    ]
    (kept,) = rows("SELECT count(*) AS n FROM refactored_decisions")
    assert kept["n"] == day["decisions"] > 40


@pytest.mark.usefixtures("tapes")
def test_what_was_made_is_replayed_without_a_difference(work: Work, on: dg.DagsterInstance) -> None:
    made = shown(work(SHORT_DAY, tape="acme", book="book.csv"))[str(SHORT_DAY)]["decisions"]
    database, calendar = open_database(Settings.from_env()), make_calendar()
    found = shown(run_replay(database, calendar, str(SHORT_DAY), on=on))[str(SHORT_DAY)]
    assert (found["decisions"], found["differing"]) == (made, 0)


@pytest.mark.usefixtures("tapes")
def test_a_day_is_decided_once_however_often_it_is_worked(work: Work, rows: Rows) -> None:
    work(SHORT_DAY, tape="acme", book="book.csv")
    before = rows("SELECT * FROM refactored_decisions ORDER BY id")
    again = shown(work(SHORT_DAY, tape="acme", book="book.csv"))[str(SHORT_DAY)]
    assert again["ticks_worked"] == 0
    assert again["note"].startswith("this tick was already worked")
    assert rows("SELECT * FROM refactored_decisions ORDER BY id") == before


@pytest.mark.usefixtures("tapes")
def test_a_policy_is_laid_over_each_position_s_own(work: Work, rows: Rows) -> None:
    policy = "profit_target.percent=80"
    day = shown(work(SHORT_DAY, tape="acme", book="book.csv", policy=policy))[str(SHORT_DAY)]
    assert day["exits"] == "none"
    assert rows("SELECT DISTINCT decision FROM refactored_decisions") == [{"decision": "HOLD"}]


def test_a_live_broker_is_never_asked(
    work: Work, rows: Rows, tapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tapes.is_dir()
    monkeypatch.setenv("EXIT_BROKER", "tradier")
    monkeypatch.setenv("EXIT_BROKER_ENV", "live")
    assert work(SHORT_DAY, tape="acme", book="book.csv").success
    assert rows("SELECT DISTINCT broker FROM decision_runs") == [{"broker": "paper"}]


@pytest.mark.usefixtures("tapes")
@pytest.mark.parametrize(
    ("day", "config", "sentence"),
    [
        (SHORT_DAY, {}, "the tape has no 2015-12-24"),
        (WEDNESDAY, {"tape": "acme"}, "the tape has no 2015-12-23"),
        (SHORT_DAY, {"tape": "acme"}, "there is no position of the environment tape; name a book"),
        (SHORT_DAY, {"tape": ".."}, "tape is '..'; expected a folder within EXIT_TAPE_DIR"),
        (
            SHORT_DAY,
            {"tape": "acme", "book": "/etc/passwd"},
            "book is '/etc/passwd'; expected a file within EXIT_TAPE_DIR",
        ),
        (SHORT_DAY, {"tape": "acme", "book": "book.csv", "policy": "x=1"}, "policy"),
    ],
    ids=["no tape", "a hole", "no book", "out of the folder", "a file of the machine", "policy"],
)
def test_what_can_t_be_worked_is_said_in_one_sentence(
    work: Work, day: date, config: dict[str, str], sentence: str
) -> None:
    assert said(work(day, **config)).startswith(sentence)


def test_a_range_without_any_tape_is_refused_and_not_passed_over(work: Work, tapes: Path) -> None:
    assert tapes.is_dir()
    told = said(work(date(2015, 12, 21), WEDNESDAY, tape="acme", book="book.csv"))
    assert told == "the tape has no day of 2015-12-21 to 2015-12-23"


def test_without_a_folder_of_tapes_it_says_so(
    work: Work, tapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tapes.is_dir()
    monkeypatch.delenv("EXIT_TAPE_DIR")
    assert said(work(SHORT_DAY)).startswith("EXIT_TAPE_DIR is not set; expected the folder")


def test_a_backfill_is_one_run_in_a_pool_of_its_own() -> None:
    assert tape_decisions.backfill_policy == dg.BackfillPolicy.single_run()
    assert tape_decisions.op.pool == POOL == "tapes"
