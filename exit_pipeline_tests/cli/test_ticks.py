"""The commands that decide: tick and day."""

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exit_pipeline_tests.adapters.market_data.tape import write_tape
from exit_pipeline_tests.fakes import new_york

SHORT_DAY = date(2015, 12, 24)
AT = new_york(SHORT_DAY, 10, 30).isoformat()
CALL = "ACME160115C00100000"
ENDS_TODAY = "ACME151224C00090000"
REAL_DAY = Path(__file__).parents[2].parent / "shared" / "market-days" / "goog"

Run = Callable[..., Any]
Refusal = Callable[..., str]


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    """A short day on which a call gains 60 percent at 10:00, and another one expires at 8.00."""
    opens = new_york(SHORT_DAY, 9, 29)
    minutes = [opens + timedelta(minutes=minute) for minute in range(211)]
    options: list[list[Any]] = []
    for at in minutes:
        bid = 3.15 if at >= new_york(SHORT_DAY, 10) else 2.05
        options.append([at, CALL, bid, bid + 0.10, 50, 50])
    prices = [[at, "ACME", 98.0] for at in minutes] + [[at, "VIX", 15.5] for at in minutes]
    return write_tape(tmp_path / "tape", SHORT_DAY, options, prices)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.csv"
    path.write_text(
        "id,account,symbol,side,quantity,entry_price,entry_time\n"
        f"a,desk,{CALL},LONG,4,2.00,2015-12-23T10:00:00-05:00\n"
        f"b,desk,{ENDS_TODAY},LONG,1,7.00,2015-12-23T10:00:00-05:00\n",
        encoding="utf-8",
    )
    return path


def contents(rows: Callable[[str], list[dict[str, Any]]]) -> dict[str, list[str]]:
    """Every table but the leases, and of the runs what they found and not when they ran.

    Nor the links of the audit trail, of which each end of a run has one; the rows that they prove.
    """
    tables = rows(
        "SELECT schemaname || '.' || tablename AS name FROM pg_tables"
        " WHERE schemaname IN ('public', 'paper')"
        " AND tablename NOT IN ('account_leases', 'audit_links')"
        " ORDER BY 1"
    )
    asked = {table["name"]: "to_jsonb(t)" for table in tables}
    asked["public.decision_runs"] += " - '{started_at,finished_at,dagster_run_id}'::text[]"
    return {
        name: sorted(str(row["row"]) for row in rows(f"SELECT {columns} AS row FROM {name} t"))
        for name, columns in asked.items()
    }


def assert_made_again_alike(run: Run, decisions: int) -> None:
    """Every decision of the short day, and its sentences, are made again as they were."""
    days = ("--from", SHORT_DAY, "--to", SHORT_DAY)
    found = json.loads(run("replay", "audit", *days, "--reasoning", "--json").stdout)
    assert (found["decisions"], found["differing"], found["ahead"]) == (decisions, 0, 0)
    assert found["left_out"] == {}


def test_a_tick_as_json_is_read_by_a_script(run: Run, book: Path) -> None:
    run("positions", "import", book, "--environment", "simulated")
    told = json.loads(run("tick", "--json", "--dry-run", "--at", AT).stdout)
    assert datetime.fromisoformat(told["tick_at"]) == new_york(SHORT_DAY, 10, 30)
    assert told["environment"] == "simulated"
    assert told["dry_run"] is True
    assert {one["position_id"] for one in told["decisions"]} == {"a", "b"}
    assert told["counts"]["positions"] == 2
    assert told["orders"] == []


def test_a_tick_of_a_tape_sends_what_is_due(run: Run, tape: Path, book: Path, rows: Any) -> None:
    run("positions", "import", book, "--environment", "tape")
    shown = run("tick", "--tape", tape, "--at", AT).stdout
    assert "Thursday 2015-12-24 10:30 New York" in shown
    assert "PROFIT_TARGET" in shown
    assert "2 @ 3.15" in shown
    assert rows("SELECT environment, status FROM orders") == [
        {"environment": "tape", "status": "FILLED"}
    ]


def test_a_dry_run_sends_nothing_and_explains_every_rule(
    run: Run, tape: Path, book: Path, rows: Any
) -> None:
    run("positions", "import", book, "--environment", "tape")
    shown = run("tick", "--tape", tape, "--at", AT, "--dry-run", "--explain").stdout
    assert "dry run" in shown
    for reason in ("FORCE_CLOSE", "EXPIRY", "PROFIT_TARGET", "STOP_LOSS", "GEX_FLIP", "TIME_EXIT"):
        assert reason in shown
    assert "threshold" in shown
    assert rows("SELECT * FROM orders") == []


def test_a_configured_tape_is_worked_in_its_own_environment_at_any_moment(
    run: Run, tape: Path, book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: with --at a tape from EXIT_TAPE_DIR was worked among the sample's positions."""
    monkeypatch.setenv("EXIT_MARKET_DATA", "recorded")
    monkeypatch.setenv("EXIT_TAPE_DIR", str(tape))
    assert "paper/tape" in run("positions", "import", book).stdout
    told = json.loads(run("tick", "--at", AT, "--json").stdout)
    assert told["environment"] == "tape"
    assert told["counts"]["positions"] == 2


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("run.yaml", f"dry_run: true\nas_of: {AT}\naccounts: [desk]\n", id="YAML"),
        pytest.param(
            "run.json", json.dumps({"dry_run": True, "as_of": AT, "accounts": ["desk"]}), id="JSON"
        ),
    ],
)
def test_run_config_comes_from_a_file(
    run: Run, tape: Path, book: Path, tmp_path: Path, name: str, text: str
) -> None:
    run("positions", "import", book, "--environment", "tape")
    (tmp_path / name).write_text(text, encoding="utf-8")
    told = json.loads(run("tick", "--tape", tape, "--config", name, "--json").stdout)
    assert told["dry_run"] is True
    assert datetime.fromisoformat(told["tick_at"]) == new_york(SHORT_DAY, 10, 30)
    assert told["counts"]["positions"] == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(None, "--config run.yaml can't be read: No such file", id="missing"),
        pytest.param("- dry_run\n", "must hold a mapping such as {dry_run: true}", id="a list"),
        pytest.param("", "must hold a mapping such as {dry_run: true}", id="empty"),
        pytest.param("a: [", "--config run.yaml is neither YAML nor JSON", id="no YAML"),
        pytest.param("dryrun: true", 'unexpected config entry "dryrun"', id="unknown key"),
        pytest.param("dry_run: maybe", "root:dry_run", id="wrong type"),
        pytest.param("as_of: noon", "as_of is 'noon'; expected an ISO 8601", id="bad value"),
        pytest.param("policy: tight", "policy 'tight' has 'tight'", id="unknown policy"),
        pytest.param("accounts: [nobody]", "accounts names 'nobody'", id="unknown account"),
    ],
)
def test_a_mistaken_config_file_is_answered_in_one_sentence(
    refusal: Refusal, tmp_path: Path, text: str | None, said: str
) -> None:
    if text is not None:
        (tmp_path / "run.yaml").write_text(text, encoding="utf-8")
    assert said in refusal("tick", "--config", "run.yaml")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["tick", "--at", "noon"], "--at is 'noon'; expected", id="no moment"),
        pytest.param(
            ["tick", "--at", "2060-01-04T15:00:00Z"], "is outside the XNYS calendar", id="too far"
        ),
        pytest.param(
            ["tick", "--tape", "nowhere", "--at", AT], "tape nowhere must be a folder", id="no tape"
        ),
        pytest.param(
            ["day", "2015-12-25", "--tape", "tape"],
            "2015-12-25: XNYS is closed: Christmas Day",
            id="a holiday",
        ),
        pytest.param(
            ["day", "2015-12-26", "--tape", "tape"], "XNYS is closed: it is Saturday", id="weekend"
        ),
        pytest.param(
            ["day", "24.12.2015", "--tape", "tape"],
            "DATE is '24.12.2015'; expected a date such as 2015-12-24",
            id="another notation",
        ),
        pytest.param(
            ["day", "2015-13-01", "--tape", "tape"],
            "DATE is '2015-13-01'; expected a date such as 2015-12-24",
            id="no date",
        ),
        pytest.param(
            ["day", "2015-12-24", "--tape", "nowhere"],
            "tape nowhere must be a folder",
            id="no folder of tapes",
        ),
        pytest.param(
            ["day", "2015-12-23", "--tape", "tape", "--book", "book.csv"],
            "has no day 2015-12-23",
            id="a day that the tape lacks",
        ),
        pytest.param(
            ["day", "2015-12-24", "--tape", "tape"],
            "there is no position of the environment tape; import a book with --book",
            id="no positions",
        ),
        pytest.param(
            ["day", "2015-12-24", "--tape", "tape", "--book", "nofile.csv"],
            "nofile.csv can't be read: No such file or directory",
            id="no book",
        ),
    ],
)
def test_what_cant_be_run_is_answered_in_one_sentence(
    refusal: Refusal, tape: Path, book: Path, arguments: list[str], said: str
) -> None:
    assert tape.name == "tape"
    assert book.name == "book.csv"
    assert said in refusal(*arguments)


def test_a_day_works_every_tick_and_settles_what_expired(
    run: Run, tape: Path, book: Path, rows: Any
) -> None:
    told = json.loads(run("day", "2015-12-24", "--tape", tape, "--book", book, "--json").stdout)
    assert (told["day"], told["ticks"]) == ("2015-12-24", 42)
    assert told["exit_decisions_by_reason"]["PROFIT_TARGET"] == 1
    assert told["contracts_filled"] == 2
    assert told["closed_by"]["EXERCISED"]["realised_pnl"] == "100.0000"
    assert (told["closed"], told["open"]) == (1, 1)
    at = "to_char(tick_at AT TIME ZONE 'America/New_York', 'HH24:MI')"
    (worked,) = rows(
        f"SELECT min({at}) AS first, max({at}) AS last, count(*) AS n FROM decision_runs"
        " WHERE status = 'SUCCEEDED'"
    )
    assert worked == {"first": "09:30", "last": "12:55", "n": 42}
    assert_made_again_alike(run, told["decisions"])


def test_the_real_short_day_runs_once_however_often_it_is_asked_for(run: Run, rows: Any) -> None:
    if not REAL_DAY.is_dir():
        pytest.skip("the recorded market day is not beside the repository")
    asked = ("day", "2015-12-24", "--tape", REAL_DAY, "--book", REAL_DAY / "book.csv")
    first = json.loads(run(*asked, "--json").stdout)
    assert (first["ticks"], first["worked_now"]) == (42, 42)
    imported = rows("SELECT * FROM refactored_gex_signals WHERE starts_with(id, 'gex-')")
    assert len(imported) == 4
    at = "to_char(tick_at AT TIME ZONE 'America/New_York', 'HH24:MI')"
    (worked,) = rows(
        f"SELECT min({at}) AS first, max({at}) AS last FROM decision_runs"
        " WHERE status = 'SUCCEEDED'"
    )
    assert worked == {"first": "09:30", "last": "12:55"}
    (late,) = rows(
        "SELECT count(*) AS n FROM refactored_decisions WHERE decided_at >= '2015-12-24T18:00Z'"
    )
    assert late["n"] == 0
    assert_made_again_alike(run, first["decisions"])
    before = contents(rows)
    second = run(*asked).stdout
    assert "Nothing was done: this tick was already worked" in second
    assert contents(rows) == before
