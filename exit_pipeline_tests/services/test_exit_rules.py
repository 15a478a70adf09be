"""The policy that the table ``exit_rules`` states."""

from types import SimpleNamespace
from typing import Any

import pytest

from exit_pipeline.core.engine.policy import rule_classes
from exit_pipeline.core.engine.policy_text import combine_policies
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.exit_rules_row import ExitRulesRow
from exit_pipeline.policies import parse_policy, shipped_policies
from exit_pipeline.services.exit_rules import THRESHOLDS, layer_of, with_exit_rules


def a_row(row_id: str = "7", **columns: str | None) -> ExitRulesRow:
    return ExitRulesRow(id=row_id, columns=dict.fromkeys(THRESHOLDS) | columns)


class Table:
    """A database with rows, which counts how often they are read."""

    def __init__(self, **rows: list[ExitRulesRow]) -> None:
        self.rows, self.reads = rows, []
        self.exit_rules: Any = SimpleNamespace(active=self._active)

    def _active(self, mode: str) -> list[ExitRulesRow]:
        self.reads.append(mode)
        return self.rows.get(mode, [])


def policy_of(*rows: ExitRulesRow, environment: str = "paper", text: str = "exit_rules") -> Any:
    table: Any = Table(PAPER=list(rows))
    library = with_exit_rules(shipped_policies(), database=table, environment=environment)
    return combine_policies({"position": text}, library)


@pytest.mark.parametrize(
    ("columns", "like"),
    [
        pytest.param({"stop_loss_percent": "25.00", "profit_target_percent": "40"},
                     "stop_loss.percent=25, profit_target.percent=40", id="two thresholds"),
        pytest.param({"stop_loss_percent": "25"}, "stop_loss.percent=25, profit_target=off",
                     id="null is off"),
        pytest.param({"profit_target_percent": "50.00"}, "stop_loss=off", id="also for a stop"),
    ],
)  # fmt: skip
def test_each_column_sets_a_threshold_or_switches_its_rule_off(
    columns: dict[str, str], like: str
) -> None:
    assert policy_of(a_row(**columns)) == parse_policy(like)


def test_what_the_table_does_not_know_is_as_under_the_default() -> None:
    policy = policy_of(a_row(stop_loss_percent="25"))
    assert {"FORCE_CLOSE", "EXPIRY", "GEX_FLIP", "TIME_EXIT"} <= set(policy.reasons)


def test_every_value_is_told_to_come_from_the_row() -> None:
    origins = policy_of(a_row(stop_loss_percent="25")).own_origins
    assert origins["stop_loss.percent"] == "exit_rules row 7"
    assert origins["profit_target"] == "exit_rules row 7"


def test_a_positions_own_text_lies_over_the_row() -> None:
    policy = policy_of(a_row(stop_loss_percent="25"), text="exit_rules, stop_loss.percent=20")
    assert policy == parse_policy("stop_loss.percent=20, profit_target=off")
    assert policy.origins["stop_loss.percent"] == "position"


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        pytest.param([], "policy 'exit_rules' needs one active row of the mode PAPER in the table "
                     "exit_rules, which has none", id="no active row"),
        pytest.param([a_row("7"), a_row("8")], "policy 'exit_rules' needs one active row of the "
                     "mode PAPER in the table exit_rules, which has 2: 7, 8", id="two active rows"),
        pytest.param([a_row(stop_loss_percent="-30")], "exit_rules row 7: policy threshold "
                     "stop_loss.percent = '-30' is not usable: expected a loss without a sign: 30 "
                     "stops at -30 %, and break_even_stop in profit", id="a stop of -30"),
        pytest.param([a_row(profit_target_percent="0")], "exit_rules row 7: policy threshold "
                     "profit_target.percent = '0' is not usable: expected greater than 0",
                     id="out of range"),
    ],
)  # fmt: skip
def test_what_the_table_does_not_say_clearly_is_one_sentence(
    rows: list[ExitRulesRow], sentence: str
) -> None:
    with pytest.raises(InputError) as caught:
        policy_of(*rows)
    assert str(caught.value) == sentence


def test_a_threshold_whose_rule_does_not_exist_is_refused_instead_of_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "exit_pipeline.services.exit_rules.THRESHOLDS", {"moon_percent": "moon.percent"}
    )
    assert layer_of(a_row(moon_percent=None), "PAPER").switches == {}
    with pytest.raises(InputError) as caught:
        layer_of(a_row(moon_percent="3"), "PAPER")
    assert str(caught.value) == "exit_rules row 7 sets moon_percent to 3, and there is no rule moon"


@pytest.mark.parametrize(
    ("environment", "mode"),
    [("live", "LIVE"), ("paper", "PAPER"), ("tape", "PAPER"), ("simulated", "PAPER")],
)
def test_only_live_money_follows_the_row_of_the_mode_live(environment: str, mode: str) -> None:
    table: Any = Table()
    with_exit_rules(shipped_policies(), database=table, environment=environment)
    assert table.reads == [mode]


def test_every_threshold_of_the_table_that_has_a_rule_is_one_of_that_rule() -> None:
    keys = (key.split(".") for key in THRESHOLDS.values())
    assert all(
        threshold in rule_classes()[rule].model_fields
        for rule, threshold in keys
        if rule in rule_classes()
    )
