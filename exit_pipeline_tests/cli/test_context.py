"""The command that shows the context."""

import json
from pathlib import Path
from typing import Any

AT = "2026-03-17T10:30:00-04:00"


def test_it_shows_what_is_known_of_an_underlying_and_writes_pictures(
    run: Any, tmp_path: Path, rows: Any
) -> None:
    said = run("context", "goog", "--at", AT, "--png", tmp_path / "png").output
    assert "FRESH" in said
    assert "calls plus, puts minus: a convention about who holds what, no forecast" in said
    pictures = {file.name for file in (tmp_path / "png").iterdir()}
    assert pictures == {"vix_term.png", "GOOG_gamma_by_strike.png", "GOOG_gamma_profile.png"}
    for table in ("refactored_context_snapshots", "refactored_gex_signals", "daily_levels"):
        assert rows(f"SELECT * FROM {table}") == []


def test_json_has_ages_sources_and_states(run: Any) -> None:
    told = json.loads(run("context", "GOOG", "--at", AT, "--json").output)
    assert told["readings"]["VIX"]["state"] == "FRESH"
    assert told["readings"]["VIX"]["source"] == "simulated"
    gamma = told["underlyings"]["GOOG"]["gamma"]
    assert gamma["gross"] > 0
    assert gamma["source"] == "simulated"


def test_without_positions_and_without_underlyings_it_says_what_to_do(refusal: Any) -> None:
    assert "exit-pipeline context SPY" in refusal("context", "--at", AT)


def test_a_closed_exchange_is_said(refusal: Any) -> None:
    said = refusal("context", "GOOG", "--at", "2026-03-15T10:30:00-04:00")
    assert "XNYS is closed" in said
