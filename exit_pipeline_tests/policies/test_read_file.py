"""One file as a layer: what is written is kept as it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.engine.policy import rule_classes
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.policies.read_file import read_policy

RULES = ", ".join(rule_classes())


def read(text, name="mine"):
    return read_policy(name, text, "mine.yaml")


def test_a_file_says_what_it_is_based_on_and_what_it_states():
    layer = read(
        """
        description: >-
          Two
          lines.
        based_on: long_premium
        rules:
          stop_loss: {percent: 25, basis: premium}
          gex_flip: off
          time_exit: on
        quotes: {wide_percent: 20}
        prices: {collar_ticks: 3}
        """
    )
    assert (layer.origin, layer.based_on, layer.source) == ("mine", "long_premium", "mine.yaml")
    assert layer.description == "Two lines."
    assert layer.switches == {"stop_loss": True, "gex_flip": False, "time_exit": True}
    assert layer.values == {
        "stop_loss.percent": "25",
        "stop_loss.basis": "premium",
        "quotes.wide_percent": "20",
        "prices.collar_ticks": "3",
    }


@pytest.mark.parametrize("text", ["", "# nothing yet", "rules: {}", "rules:", "description:"])
def test_every_part_may_be_left_out_and_then_a_file_stands_on_the_default(text):
    layer = read(text)
    assert (layer.based_on, layer.switches, layer.values) == ("default", {}, {})


def test_the_default_stands_on_nothing():
    assert read("rules: {gex_flip: off}", name="default").based_on is None


@pytest.mark.parametrize("written", ["+30", "-30", "030", "3e1", "30.0", "off", "~", "1:30"])
def test_a_threshold_is_kept_as_it_is_written(written):
    """YAML would read +30 as 30, whose sign is what a stop refuses."""
    layer = read(f"rules: {{stop_loss: {{percent: {written}}}}}")
    assert layer.values == {"stop_loss.percent": written}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("rules:\n  stop_loss: {percent: 25}\n  stop_loss: {percent: 30}",
                     "mine.yaml, line 3: 'stop_loss' is there twice; expected each name once",
                     id="two rules of one name"),
        pytest.param("rules: {stop_loss: {percent: 25, percent: 30}}",
                     "mine.yaml, line 1: 'percent' is there twice; expected each name once",
                     id="two thresholds of one name"),
        pytest.param("rules: {stop_los: {percent: 25}}",
                     f"mine.yaml: rules has 'stop_los'; expected one of {RULES}",
                     id="no such rule"),
        pytest.param("rule: {}", "mine.yaml: the file has 'rule'; expected one of description, "
                     "based_on, rules, quotes, prices", id="no such part"),
        pytest.param("rules: [stop_loss]", "mine.yaml: rules is ['stop_loss']; expected names with "
                     "values", id="a list of rules"),
        pytest.param("stop_loss", "mine.yaml: the file is 'stop_loss'; expected names with values",
                     id="a word"),
        pytest.param("rules: {stop_loss: }", "mine.yaml: stop_loss is ''; expected on, off or "
                     "thresholds", id="a rule without anything"),
        pytest.param("rules: {stop_loss: yes}", "mine.yaml: stop_loss is 'yes'; expected on, off "
                     "or thresholds", id="another word for on"),
        pytest.param("quotes: off", "mine.yaml: quotes is 'off'; expected thresholds",
                     id="quotes can't be off"),
        pytest.param("rules: {stop_loss: {percent: [25, 30]}}", "mine.yaml: stop_loss.percent is "
                     "['25', '30']; expected a single value", id="a list as a threshold"),
        pytest.param("based_on: [default]", "mine.yaml: based_on is ['default']; expected a single "
                     "value", id="two grounds"),
        pytest.param("rules: {stop_loss: {percent: 25}",
                     "mine.yaml, line 1: expected ',' or '}', but got '<stream end>'",
                     id="no YAML"),
        pytest.param("a: 1\n---\nb: 2", "mine.yaml, line 2: but found another document",
                     id="two documents"),
        pytest.param("? [a]\n: 1", "mine.yaml, line 1: a list or a mapping stands for a name; "
                     "expected a word", id="a list as a name"),
        pytest.param("[" * 5_000, "mine.yaml: it is no YAML", id="deeper than anybody writes"),
        pytest.param("rules: &a {stop_loss: *a}", "mine.yaml, line 1: found unconstructable "
                     "recursive node", id="a mapping in itself"),
        pytest.param("\x00", "mine.yaml: it is no YAML", id="a character that is none"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_sentence(text, sentence):
    with pytest.raises(InputError) as caught:
        read(text)
    assert str(caught.value) == sentence


def refusal(text):
    try:
        read(text)
    except InputError as error:
        return str(error)
    return ""


@given(text=st.text(alphabet="rules: {}[]&*!-\n\"'stop_loss,25?|>%@", max_size=60))
def test_any_text_is_a_layer_or_one_sentence(text):
    assert len(refusal(text).splitlines()) <= 1
