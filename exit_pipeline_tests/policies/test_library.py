"""The shipped policies, and those of a user's own folder."""

from pathlib import Path

import pytest

from exit_pipeline.core.engine.policy_text import combine_policies
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.rules.stop_loss import StopLoss
from exit_pipeline.policies import (
    load_policies,
    parse_policy,
    refuse_faults,
    shipped_policies,
    with_policy_file,
)
from exit_pipeline_tests.builders import decide_one

SHIPPED = ["default", "long_premium", "short_premium", "zero_dte"]


def files(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def test_what_is_shipped_can_all_be_used() -> None:
    assert list(shipped_policies()) == SHIPPED
    refuse_faults(shipped_policies())


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_policy_says_what_it_is_for_and_keeps_the_hard_exits(name: str) -> None:
    assert len(shipped_policies()[name].description) > 80
    assert parse_policy(name).reasons[:2] == ("FORCE_CLOSE", "EXPIRY")


def test_the_default_has_the_thresholds_that_rules_have_by_themselves() -> None:
    """Who reads a rule's module and who reads the file must not learn two truths."""
    for rule in parse_policy().rules:
        assert rule == type(rule)()


@pytest.mark.parametrize(
    ("name", "row", "outcome"),
    [
        pytest.param("long_premium", {"entry_price": "2.00", "mark": "3.50"}, "HOLD",
                     id="a long at +75 % runs on"),
        pytest.param("long_premium", {"entry_price": "2.00", "mark": "1.20"}, "HOLD",
                     id="a long at -40 % stays"),
        pytest.param("long_premium", {"entry_price": "2.00", "mark": "1.00"}, "FULL",
                     id="a long at -50 % is left"),
        pytest.param("short_premium", {"side": -1, "entry_price": "2.00", "mark": "1.00",
                     "quantity": 4}, "FULL", id="a short at half of its credit is bought back"),
        pytest.param("short_premium", {"side": -1, "entry_price": "2.00", "mark": "5.90"}, "HOLD",
                     id="a short below three times its credit stays"),
        pytest.param("short_premium", {"side": -1, "entry_price": "2.00", "mark": "6.00"}, "FULL",
                     id="a short at three times its credit is left"),
        pytest.param("zero_dte", {"entry_price": "2.00", "mark": "3.00", "quantity": 4}, "FULL",
                     id="a last day's target is taken whole"),
        pytest.param("zero_dte", {"decided_at": "15:30", "intraday": False}, "FULL",
                     id="nothing is held over the close"),
    ],
)  # fmt: skip
def test_shipped_policies_do_what_they_say(name: str, row: dict[str, object], outcome: str) -> None:
    assert decide_one(name, **row).outcome == outcome


def test_a_folder_adds_policies_that_may_be_based_on_each_other(tmp_path: Path) -> None:
    library = load_policies(
        files(
            tmp_path,
            tight="based_on: long_premium\nrules: {stop_loss: {percent: 20}}",
            tighter="based_on: tight\nrules: {gex_flip: off}",
        )
    )
    refuse_faults(library)
    assert sorted(library) == sorted([*SHIPPED, "tight", "tighter"])
    policy = combine_policies({"position": "tighter"}, library)
    assert policy == parse_policy("long_premium, stop_loss.percent=20, gex_flip=off")
    assert policy.origins["stop_loss.percent"] == "tight"


def test_without_a_folder_there_is_what_is_shipped() -> None:
    assert load_policies(None) is shipped_policies()


def test_other_files_of_a_folder_are_none_of_ours(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("rules?")
    assert list(load_policies(tmp_path)) == SHIPPED


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        pytest.param({"mine": "rules: {stop_loss: {percent: +30}}"},
                     "{folder}/mine.yaml: policy threshold stop_loss.percent = '+30' is not usable"
                     ": expected a loss without a sign: 30 stops at -30 %, and break_even_stop in "
                     "profit", id="a stop of +30"),
        pytest.param({"mine": "rules: {stop_loss: {percent: 0}}"},
                     "{folder}/mine.yaml: policy threshold stop_loss.percent = '0' is not usable: "
                     "expected greater than 0", id="out of range"),
        pytest.param({"mine": "rules: {profit_target: {close_share_percent: 120}}"},
                     "{folder}/mine.yaml: policy threshold profit_target.close_share_percent = "
                     "'120' is not usable: expected less than or equal to 100",
                     id="more than all is closed"),
        pytest.param({"mine": "rules: {stop_loss: {percnt: 25}}"},
                     "{folder}/mine.yaml: policy threshold stop_loss.percnt = '25' is not usable: "
                     f"expected one of {', '.join(StopLoss.model_fields)}, urgency",
                     id="no such threshold"),
        pytest.param({"mine": "based_on: nowhere"},
                     "{folder}/mine.yaml: based_on is 'nowhere'; expected one of default, "
                     "long_premium, mine, short_premium, zero_dte", id="no such ground"),
        pytest.param({"a": "based_on: b", "b": "based_on: a"},
                     "{folder}/b.yaml: based_on goes in a circle: a -> b -> a", id="a circle"),
        pytest.param({"a": "based_on: b", "b": "rules: {stop_loss: {percent: x}}"},
                     "{folder}/b.yaml: policy threshold stop_loss.percent = 'x' is not usable: "
                     "expected a valid number, unable to parse string as a number",
                     id="a mistake in what another is based on is told of its own file"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_one_sentence(
    tmp_path: Path, texts: dict[str, str], sentence: str
) -> None:
    with pytest.raises(InputError) as caught:
        refuse_faults(load_policies(files(tmp_path, **texts)))
    assert str(caught.value) == sentence.format(folder=tmp_path)


def test_a_broken_file_takes_nothing_but_its_own_name_along(tmp_path: Path) -> None:
    """A slip in one file must not keep the stops of all other positions from being watched."""
    library = load_policies(files(tmp_path, good="rules: {gex_flip: off}", bad="rules: [}"))
    assert combine_policies({"position": "good"}, library) == parse_policy("gex_flip=off")
    assert combine_policies({"position": None}, library) == parse_policy()
    with pytest.raises(InputError, match=r"bad\.yaml, line 1"):
        combine_policies({"position": "bad"}, library)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("default", "there is a policy 'default' in exit_pipeline/policies/"
                     "default.yaml already", id="a shipped name"),
        pytest.param("exit_rules", "'exit_rules' can't name a policy", id="the table's name"),
        pytest.param("stop_loss", "'stop_loss' can't name a policy", id="a rule's name"),
        pytest.param("quotes", "'quotes' can't name a policy", id="a section's name"),
        pytest.param("My policy", "'My policy' can't name a policy", id="capitals and spaces"),
        pytest.param("a=b", "'a=b' can't name a policy", id="what reads as an override"),
    ],
)  # fmt: skip
def test_a_name_that_is_taken_or_cannot_be_written_is_refused(
    tmp_path: Path, name: str, said: str
) -> None:
    with pytest.raises(InputError) as caught:
        load_policies(files(tmp_path, **{name: ""}))
    assert str(caught.value).startswith(f"{tmp_path}/{name}.yaml: {said}")


def test_a_folder_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_policies(tmp_path / "none")
    assert str(caught.value) == (
        f"EXIT_POLICIES is '{tmp_path}/none'; expected a folder with files NAME.yaml"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "can't be read: Is a directory"), (b"\xff\xfe\xff", "is not a text in UTF-8")],
    ids=["a folder", "no UTF-8"],
)
def test_a_file_that_cannot_be_read_is_one_sentence(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "mine.yaml"
    path.mkdir() if content is None else path.write_bytes(content)
    assert load_policies(tmp_path)["mine"].fault == f"{path} {said}"


def test_a_file_beside_the_folder_is_taken_in_and_one_of_the_folder_is_read_anew(
    tmp_path: Path,
) -> None:
    library = load_policies(files(tmp_path, mine="rules: {gex_flip: off}"))
    files(tmp_path, mine="rules: {expiry: off}", other="based_on: mine")
    for path in (tmp_path / "mine.yaml", tmp_path / "other.yaml"):
        library = with_policy_file(path, library)
    assert combine_policies({"text": "other"}, library) == parse_policy("expiry=off")


def test_a_file_states_ladders_and_the_urgency_of_a_rule(tmp_path: Path) -> None:
    text = (
        "prices: {normal: start:50|steps:3|seconds:10|timeout:leave, budget_seconds: 30}\n"
        "rules:\n  stop_loss: {urgency: EMERGENCY}\n"
    )
    library = load_policies(files(tmp_path, mine=text))
    assert combine_policies({"text": "mine"}, library) == parse_policy(
        "prices.normal=start:50|steps:3|seconds:10|timeout:leave, prices.budget_seconds=30,"
        " stop_loss.urgency=EMERGENCY"
    )
