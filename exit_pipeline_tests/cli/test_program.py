"""The program as it is installed: processes of its own, their status and what they print."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("exit-pipeline")


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(PROGRAM), *arguments], capture_output=True, text=True, check=False)


def test_a_tick_prints_json_and_nothing_else_on_stdout() -> None:
    done = call("tick", "--json", "--dry-run", "--at", "2026-03-18T15:30:00-04:00")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["environment"] == "simulated"


def test_a_failure_is_one_sentence_on_stderr_and_status_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EXIT_MARKET_DATA", "bloomberg")
    done = call("tick")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        "exit-pipeline: EXIT_MARKET_DATA is 'bloomberg'; expected one of alpaca, cboe, composite, "
        "recorded, simulated, tradier\n"
    )


def test_the_help_names_every_command() -> None:
    shown = call("--help").stdout
    for command in (
        "migrate",
        "positions",
        "tick",
        "day",
        "replay",
        "status",
        "orders",
        "alerts",
        "halt",
        "resume",
        "force-close",
        "db",
        "doctor",
        "notify",
        "sample",
        "ui",
    ):
        assert f"\n  {command} " in shown
