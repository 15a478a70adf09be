"""Layers on each other: of each value the last one, and who stated it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from exit_pipeline.core.engine.compile_policy import compile_policy, foundation, say_value
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.policy_layer import PolicyLayer

DEFAULT = PolicyLayer(
    origin="default",
    based_on=None,
    switches={"force_close": True, "stop_loss": True, "gex_flip": True},
    values={"stop_loss.percent": "30"},
)
LIBRARY = {
    "default": DEFAULT,
    "tight": PolicyLayer(
        origin="tight", values={"stop_loss.percent": "20"}, switches={"gex_flip": False}
    ),
    "tighter": PolicyLayer(
        origin="tighter", based_on="tight", values={"stop_loss.percent": "10"}
    ),
    "a": PolicyLayer(origin="a", based_on="b", source="mine/a.yaml"),
    "b": PolicyLayer(origin="b", based_on="c"),
    "c": PolicyLayer(origin="c", based_on="b"),
    "self": PolicyLayer(origin="self", based_on="self"),
    "lost": PolicyLayer(origin="lost", based_on="nowhere", source="mine/lost.yaml"),
    "broken": PolicyLayer(origin="broken", fault="mine/broken.yaml: it is no YAML"),
    "on broken": PolicyLayer(origin="on broken", based_on="broken"),
}  # fmt: skip


def stop(policy):
    return policy.sections["stop_loss"].percent


def layer(origin, **values):
    return PolicyLayer(origin=origin, values={f"stop_loss.{k}": v for k, v in values.items()})


@pytest.mark.parametrize(
    ("name", "layers", "percent", "origin"),
    [
        pytest.param("default", [], 30, "default", id="the default"),
        pytest.param("tight", [], 20, "tight", id="a named policy"),
        pytest.param("tighter", [], 10, "tighter", id="one that is based on another"),
        pytest.param("tight", [layer("exit_rules row 7", percent="18")], 18, "exit_rules row 7",
                     id="the row over the name"),
        pytest.param("tight", [layer("position", percent="15"), layer("launch", percent="12")], 12,
                     "launch", id="the launch over the position"),
        pytest.param("tight", [layer("position", percent="15"), layer("launch", basis="premium")],
                     15, "position", id="value by value"),
    ],
)  # fmt: skip
def test_of_each_value_the_last_layer_counts_and_is_told(name, layers, percent, origin):
    policy = compile_policy(name, layers, LIBRARY)
    assert (stop(policy), policy.origins["stop_loss.percent"]) == (percent, origin)


def test_what_nobody_states_is_of_the_default():
    policy = compile_policy("tight", [], LIBRARY)
    assert policy.origins["stop_loss.basis"] == "default"
    assert policy.origins["quotes.wide_percent"] == "default"
    assert policy.origins["expiry"] == "default"


def test_every_rule_and_every_threshold_that_counts_has_an_origin():
    policy = compile_policy("tight", [], LIBRARY)
    thresholds = {f"{name}.{key}" for name, model in policy.sections.items() for key, _ in model}
    rules = {key for key in policy.origins if "." not in key}
    assert policy.origins.keys() == thresholds | rules
    assert {"stop_loss", "gex_flip", "time_exit"} <= rules
    assert "gex_flip.strength_min" not in policy.origins


def test_only_what_the_default_does_not_state_is_told_as_somebodys_own():
    policy = compile_policy("tight", [layer("position", basis="credit")], LIBRARY)
    assert policy.own_origins == {
        "gex_flip": "tight",
        "stop_loss.percent": "tight",
        "stop_loss.basis": "position",
    }


def test_a_threshold_switches_its_rule_on_and_is_told_as_the_reason():
    values = {"time_exit.minutes_before_close": "45"}
    policy = compile_policy("default", [PolicyLayer(origin="position", values=values)], LIBRARY)
    assert "TIME_EXIT" in policy.reasons
    assert policy.origins["time_exit"] == "position"


def test_a_mistake_in_a_rule_that_is_off_stays_one():
    switches, values = {"gex_flip": False}, {"gex_flip.strength_min": "7"}
    wrong = PolicyLayer(origin="position", switches=switches, values=values)
    with pytest.raises(InputError, match=r"gex_flip\.strength_min = '7'"):
        compile_policy("default", [wrong], LIBRARY)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        pytest.param("nowhere", "policy is 'nowhere'; expected one of "
                     f"{', '.join(sorted(LIBRARY))}", id="no such policy"),
        pytest.param("lost", "mine/lost.yaml: based_on is 'nowhere'; expected one of "
                     f"{', '.join(sorted(LIBRARY))}", id="on one that does not exist"),
        pytest.param("self", "self: based_on goes in a circle: self -> self", id="on itself"),
        pytest.param("a", "c: based_on goes in a circle: a -> b -> c -> b", id="on a circle"),
        pytest.param("broken", "mine/broken.yaml: it is no YAML", id="with a fault"),
        pytest.param("on broken", "mine/broken.yaml: it is no YAML", id="on one with a fault"),
    ],
)  # fmt: skip
def test_what_does_not_stand_on_the_default_is_one_sentence(name, sentence):
    with pytest.raises(InputError) as caught:
        compile_policy(name, [], LIBRARY)
    assert str(caught.value) == sentence


def test_a_foundation_is_told_from_the_ground_up():
    assert [one.origin for one in foundation("tighter", LIBRARY)] == ["default", "tight", "tighter"]


class Rung(BaseModel):
    percent: float
    share: float
    stop: float | None = None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param(25.0, "25", id="a whole number"),
        pytest.param(0.25, "0.25", id="a fraction"),
        pytest.param(100, "100", id="an integer"),
        pytest.param("premium", "premium", id="a choice"),
        pytest.param((), "", id="none of several"),
        pytest.param((Rung(percent=100, share=25),), "100:25", id="one without its last part"),
        pytest.param((Rung(percent=100, share=25, stop=50), Rung(percent=150, share=12.5)),
                     "100:25:50|150:12.5", id="several"),
    ],
)  # fmt: skip
def test_a_value_is_said_as_a_person_writes_it(value, said):
    assert say_value(value) == said


PERCENTS = st.lists(st.none() | st.integers(1, 99).map(str), max_size=6)


@given(percents=PERCENTS)
def test_the_last_that_states_a_value_wins_whatever_lies_between(percents):
    layers = [
        layer(f"layer {place}", **({} if percent is None else {"percent": percent}))
        for place, percent in enumerate(percents)
    ]
    stated = [(p, f"layer {place}") for place, p in enumerate(percents) if p is not None]
    wanted, origin = stated[-1] if stated else ("30", "default")
    policy = compile_policy("default", layers, LIBRARY)
    assert (stop(policy), policy.origins["stop_loss.percent"]) == (float(wanted), origin)
