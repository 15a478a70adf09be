"""The commands about events."""

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "events.csv"
    path.write_text(
        "underlying,kind,at,amount\nGOOG,EARNINGS,2099-04-21T20:05Z,\n"
        "GOOG,DIVIDEND,2015-12-24,0.2\n",
        encoding="utf-8",
    )
    return path


def test_events_are_imported_once_and_listed(run: Any, file: Path) -> None:
    assert "2 events imported, 0 were there already" in run("events", "import", file).output
    assert "0 events imported, 2 were there already" in run("events", "import", file).output
    (coming,) = json.loads(run("events", "list", "--json").output)
    assert (coming["underlying"], coming["kind"]) == ("GOOG", "EARNINGS")
    assert "2099-04-21 16:05" in run("events", "list").output
    everything = run("events", "list", "--all").output
    assert "2015-12-24 09:30" in everything
    assert "0.20" in everything


def test_an_empty_list_says_what_to_do(run: Any) -> None:
    assert "exit-pipeline events import FILE.csv" in run("events", "list").output


def test_a_file_that_cant_be_read_is_one_sentence(refusal: Any, tmp_path: Path) -> None:
    assert "can't be read" in refusal("events", "import", tmp_path / "none.csv")
