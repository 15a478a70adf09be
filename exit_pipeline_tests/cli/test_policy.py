"""The commands about policies: list, show, check, diff."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from exit_pipeline.adapters import brokers
from exit_pipeline.cli import group
from exit_pipeline.cli.abilities import abilities_of
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.desk import Desk

Run = Callable[..., Any]
Refusal = Callable[..., str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user's own with one policy, ``mine``."""
    found = tmp_path / "policies"
    found.mkdir()
    (found / "mine.yaml").write_text("description: Mine.\nrules: {stop_loss: {percent: 25}}")
    monkeypatch.setenv("EXIT_POLICIES", str(found))
    return found


def shown(run: Run, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("policy", "show", *arguments, "--json").stdout)
    return found


def origin(found: dict[str, Any], section: str, threshold: str = "") -> str:
    (line,) = (
        line
        for line in found["lines"]
        if (line["section"], line["threshold"]) == (section, threshold)
    )
    return f"{line['value']} by {line['origin']}"


def test_policies_are_listed_with_their_files_and_what_they_are_for(run: Run, folder: Path) -> None:
    found = json.loads(run("policy", "list", "--json").stdout)
    assert list(found) == ["default", "long_premium", "mine", "short_premium", "zero_dte"]
    assert found["mine"] == {
        "based_on": "default",
        "file": str(folder / "mine.yaml"),
        "description": "Mine.",
        "fault": None,
    }
    table = run("policy", "list").stdout
    assert "mine" in table
    assert "zero_dte" in table


def test_a_policy_that_cannot_be_used_is_listed_as_that(run: Run, folder: Path) -> None:
    (folder / "bad.yaml").write_text("rules: {stop_loss: {percent: 0}}")
    assert "can't be used:" in run("policy", "list").stdout
    assert "greater than 0" in json.loads(run("policy", "list", "--json").stdout)["bad"]["fault"]


def test_without_a_name_the_default_is_shown(run: Run) -> None:
    found = shown(run)
    assert (found["policy"], found["hash"]) == ("default", parse_policy().hash)
    assert found["watched"] == []


@pytest.mark.usefixtures("folder")
def test_a_policy_is_shown_with_each_value_and_who_stated_it(run: Run) -> None:
    found = shown(run, "mine, gex_flip=off, quotes.wide_percent=20")
    assert found["description"] == "Mine."
    assert origin(found, "stop_loss", "percent") == "25 by mine"
    assert origin(found, "gex_flip") == "off by text"
    assert origin(found, "quotes", "wide_percent") == "20 by text"
    assert origin(found, "profit_target", "percent") == "50 by default"


def test_a_policy_is_shown_as_a_table(run: Run) -> None:
    table = run("policy", "show", "gex_flip=off").stdout
    for word in ("force_close", "gex_flip", "off", "Loss, % of entry price.", "text"):
        assert word in table


def test_a_policy_of_a_file_is_shown_before_it_is_put_into_the_folder(
    run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "draft.yaml"
    path.write_text("based_on: long_premium\nrules: {stop_loss: {percent: 35}}")
    assert origin(shown(run, str(path)), "stop_loss", "percent") == "35 by draft"


def test_the_table_of_thresholds_is_shown_as_it_is_now(run: Run, database_url: str) -> None:
    Desk(database_url).rows_changed(
        "INSERT INTO exit_rules (mode, active, stop_loss_percent) VALUES ('PAPER', true, 22)"
    )
    assert origin(shown(run, "exit_rules"), "stop_loss", "percent").startswith(
        "22 by exit_rules row "
    )


@pytest.mark.parametrize(
    ("broker", "sentence"),
    [
        ("alpaca", "alpaca takes no stop orders on options: STOP_LOSS is watched at every tick"),
        ("paper", "paper takes no stop orders on options: STOP_LOSS is watched at every tick"),
        ("tradier", "tradier takes stop orders on options, and none is placed: STOP_LOSS is "
         "watched at every tick"),
    ],
)  # fmt: skip
def test_what_a_broker_cannot_do_is_said_on_request(run: Run, broker: str, sentence: str) -> None:
    assert shown(run, "default", "--broker", broker)["watched"][0] == sentence
    assert sentence in run("policy", "show", "--broker", broker).stdout


@pytest.mark.parametrize("command", ["list", "show"])
def test_a_folder_that_is_none_is_one_sentence(
    refusal: Refusal, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("EXIT_POLICIES", "/nowhere")
    assert refusal("policy", command) == (
        "EXIT_POLICIES is '/nowhere'; expected a folder with files NAME.yaml"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["show", "tight"], "policy 'tight' has 'tight', which is neither a name of"),
        (["show", "exit_rules"], "policy 'exit_rules' needs one active row of the mode PAPER"),
        (["show", "--broker", "robinhood"], "broker is 'robinhood'; expected one of alpaca, paper"),
        (["diff", "default", "stop_loss.percent=0"], "policy threshold stop_loss.percent = '0'"),
    ],
    ids=["no such policy", "no active row", "no such broker", "out of range"],
)
def test_a_mistake_is_one_sentence(refusal: Refusal, arguments: list[str], sentence: str) -> None:
    assert refusal("policy", *arguments).startswith(sentence)


def test_what_can_be_used_is_said_to_be_ok(run: Run, tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("rules: {gex_flip: off}")
    (tmp_path / "two.yaml").write_text("based_on: one")
    lines = run("policy", "check", "default", "stop_loss.percent=25", "one.yaml", "two.yaml").stdout
    assert lines.splitlines() == [
        "ok     default: default",
        "ok     stop_loss.percent=25: default, stop_loss.percent=25",
        "ok     one.yaml: default, gex_flip=off",
        "ok     two.yaml: default, gex_flip=off",
    ]


def test_every_policy_is_checked_and_one_that_is_wrong_makes_it_exit_with_one(
    tmp_path: Path,
) -> None:
    (tmp_path / "bad.yaml").write_text("rules: {stop_loss: {percent: +30}}")
    result = CliRunner().invoke(group, ["policy", "check", "bad.yaml", "tight", "default"])
    assert result.exit_code == 1
    wrong, unknown, good = result.stdout.splitlines()
    assert wrong.startswith(f"WRONG  {tmp_path}/bad.yaml: policy threshold stop_loss.percent")
    assert unknown.startswith("WRONG  policy 'tight' has 'tight'")
    assert good == "ok     default: default"


def test_two_policies_are_compared_field_by_field(run: Run) -> None:
    found = json.loads(run("policy", "diff", "default", "zero_dte", "--json").stdout)
    told = {one["key"]: (one["first"], one["second"]) for one in found}
    assert told["time_exit.applies_to"] == ("intraday", "all")
    assert "stop_loss.basis" not in told
    assert "time_exit.applies_to" in run("policy", "diff", "default", "zero_dte").stdout


def test_two_policies_that_decide_alike_are_said_to_be_the_same(run: Run) -> None:
    said = run("policy", "diff", "default", "stop_loss.percent=30").stdout
    assert said == "They are the same.\n"


def test_a_broker_that_does_not_say_what_it_can_do_is_no_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "silent_acme.py").write_text("")
    monkeypatch.setattr(brokers, "__path__", [*brokers.__path__, str(tmp_path)])
    assert abilities_of("silent_acme") is None
    with pytest.raises(InputError, match="silent_acme"):
        abilities_of("robinhood")


def test_the_doctor_reads_the_shadow_policies(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = "tight=stop_loss.percent=20; theirs=exit_rules"
    monkeypatch.setenv("EXIT_SHADOW_POLICIES", texts)
    assert "ok    shadows      tight, theirs" in run("doctor").stdout.splitlines()
    monkeypatch.setenv("EXIT_SHADOW_POLICIES", f"{texts}; far=stop_loss.percent=-1")
    result = CliRunner().invoke(group, ["doctor"])
    assert result.exit_code == 1
    assert "fail  shadows      EXIT_SHADOW_POLICIES, far: " in result.stdout


def test_the_doctor_says_which_policies_there_are_and_which_one_is_broken(
    run: Run, folder: Path
) -> None:
    lines = run("doctor").stdout.splitlines()
    assert "ok    policies     default, long_premium, mine, short_premium, zero_dte" in lines
    (watched,) = [one for one in lines if one[6:].startswith("watched here")]
    assert "paper takes no stop orders on options: STOP_LOSS is watched at every tick" in watched
    (folder / "bad.yaml").write_text("rules: [")
    result = CliRunner().invoke(group, ["doctor"])
    assert result.exit_code == 1
    assert f"fail  policies     {folder}/bad.yaml, line 1" in result.stdout
