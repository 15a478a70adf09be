"""The grammar of policies in one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.engine.policy import rule_classes
from exit_pipeline.core.engine.policy_text import combine_policies, named_policy
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.rules.stop_loss import StopLoss
from exit_pipeline.policies import parse_policy, shipped_policies
from exit_pipeline_tests.core.engine.test_policy import ORDER, OVERRIDES


@pytest.mark.parametrize("text", ["", "default", " default ", ",default,,", "stop_loss.percent=30"])
def test_the_default_may_be_written_in_several_ways(text):
    assert parse_policy(text) == parse_policy()
    assert parse_policy(text).name == "default"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        pytest.param("stop_loss.percent=25", {"stop_loss": {"percent": 25}}, id="one threshold"),
        pytest.param("default,stop_loss.percent = 25 ", {"stop_loss": {"percent": 25}},
                     id="name and threshold"),
        pytest.param("stop_loss.percent=25, stop_loss.percent=20", {"stop_loss": {"percent": 20}},
                     id="the last value counts"),
        pytest.param("time_exit.applies_to=all", {"time_exit": {"applies_to": "all"}},
                     id="a choice"),
    ],
)  # fmt: skip
def test_single_thresholds_are_overridden(text, read):
    by_name = {rule.name: rule.model_dump() for rule in parse_policy(text).rules}
    for rule, values in read.items():
        assert by_name[rule] | values == by_name[rule]


def test_quote_and_price_limits_are_part_of_the_policy():
    policy = parse_policy("quotes.wide_percent=20, prices.collar_ticks=4")
    assert (policy.quotes.wide_percent, policy.prices.collar_ticks) == (20, 4)


@pytest.mark.parametrize(
    "text",
    ["gex_flip=off", "gex_flip=off, gex_flip=off", "gex_flip=off, gex_flip.strength_min=0.5",
     "gex_flip.strength_min=0.5, gex_flip=off"],
)  # fmt: skip
def test_a_rule_that_is_off_anywhere_is_off(text):
    policy = parse_policy(text)
    assert policy.reasons == tuple(reason for reason in ORDER if reason != "GEX_FLIP")
    assert policy == parse_policy("gex_flip=off")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("aggressive", "policy 'aggressive' has 'aggressive', which is neither a name "
                     "of default, long_premium, short_premium, zero_dte nor "
                     "SECTION.THRESHOLD=VALUE nor RULE=on nor RULE=off",
                     id="no such name"),
        pytest.param("stop_loss.percent=25, default", "policy 'stop_loss.percent=25, default' has "
                     "the name 'default' after another part; it comes first", id="name not first"),
        pytest.param("default, default", "policy 'default, default' has the name 'default' after "
                     "another part; it comes first", id="name twice"),
        pytest.param("stop_loss.percent=x", "policy threshold stop_loss.percent = 'x' is not "
                     "usable: expected a valid number, unable to parse string as a number",
                     id="no number"),
        pytest.param("stop_loss.percent=0", "policy threshold stop_loss.percent = '0' is not "
                     "usable: expected greater than 0", id="out of range"),
        pytest.param("stop_loss.percent=30.001", "policy threshold stop_loss.percent = '30.001' is "
                     "not usable: expected a multiple of 0.01", id="finer than is judged"),
        pytest.param("stop_loss.percent=nan", "policy threshold stop_loss.percent = 'nan' is not "
                     "usable: expected a finite number", id="not a number"),
        pytest.param("stop_loss.percnt=25", "policy threshold stop_loss.percnt = '25' is not "
                     f"usable: expected one of {', '.join(StopLoss.model_fields)}, urgency",
                     id="no such threshold"),
        pytest.param("time_exit.applies_to=none", "policy threshold time_exit.applies_to = 'none' "
                     "is not usable: expected 'intraday' or 'all'", id="no such choice"),
        *(pytest.param(text, f"policy override {text!r} must be SECTION.THRESHOLD=VALUE, "
                       f"RULE=on or RULE=off, with a section of {', '.join(rule_classes())}, "
                       "quotes, prices",
                       id=text)
          for text in ("jumping_stop.percent=5", "quotes=off", "stop_loss=yes", "=5", "percent=5",
                       "stop_loss.=5", ".percent=5")),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_sentence(text, sentence):
    with pytest.raises(InputError) as caught:
        parse_policy(text)
    assert str(caught.value) == sentence


def refusal(text):
    try:
        parse_policy(text)
    except InputError as error:
        return str(error)
    return ""


@given(
    text=st.text(alphabet="defaultsop_.=, 01-\n", max_size=40)
    | st.text(max_size=20)
    | st.text(max_size=20).map("stop_loss.{}=1".format)
)
def test_any_text_is_a_policy_or_one_sentence(text):
    assert len(refusal(text).splitlines()) <= 1


@given(text=OVERRIDES)
def test_the_name_of_a_policy_reads_as_the_policy(text):
    policy = parse_policy(text)
    assert parse_policy(policy.name) == policy


@pytest.mark.parametrize(
    ("texts", "like"),
    [
        pytest.param((), "", id="nothing"),
        pytest.param((None, ""), "", id="not given"),
        pytest.param(("stop_loss.percent=25", "stop_loss.percent=20"), "stop_loss.percent=20",
                     id="the later one wins"),
        pytest.param(("stop_loss.percent=25", "profit_target.percent=40"),
                     "stop_loss.percent=25, profit_target.percent=40", id="threshold by threshold"),
        pytest.param(("default, stop_loss.percent=25", "default"), "stop_loss.percent=25",
                     id="a name changes nothing"),
        pytest.param(("gex_flip=off", "gex_flip=off"), "gex_flip=off", id="off in both"),
        pytest.param(("gex_flip=off", "gex_flip.strength_min=0.5"), "gex_flip=off",
                     id="what is off stays off"),
    ],
)  # fmt: skip
def test_policies_combine(texts, like):
    texts = {f"text {place}": text for place, text in enumerate(texts)}
    assert combine_policies(texts, shipped_policies()) == parse_policy(like)


def test_combining_refuses_what_cannot_be_read():
    with pytest.raises(InputError, match="aggressive"):
        combine_policies(
            {"position": "stop_loss.percent=25", "launch": "aggressive"}, shipped_policies()
        )


@pytest.mark.parametrize(
    ("texts", "is_on"),
    [
        pytest.param(["gex_flip=off, gex_flip=on"], True, id="on after off"),
        pytest.param(["gex_flip=on, gex_flip=off"], False, id="off after on"),
        pytest.param(["gex_flip=off", "gex_flip=on"], True, id="on by the later text"),
        pytest.param(["gex_flip=on", "gex_flip=off"], False, id="off by the later text"),
        pytest.param(["gex_flip=off", "gex_flip.strength_min=0.5"], False, id="a threshold only"),
    ],
)
def test_what_is_off_is_switched_on_by_name_alone(texts, is_on):
    texts = {f"text {place}": text for place, text in enumerate(texts)}
    policy = combine_policies(texts, shipped_policies())
    assert ("GEX_FLIP" in policy.reasons) is is_on


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        pytest.param([], "default", id="no text"),
        pytest.param([None, "stop_loss.percent=25"], "default", id="no name"),
        pytest.param(["long_premium", "stop_loss.percent=25"], "long_premium", id="the only name"),
        pytest.param([" long_premium , gex_flip=off", "zero_dte"], "zero_dte", id="the last name"),
        pytest.param(["long_premium", "default"], "default", id="back to the default"),
    ],
)
def test_the_last_name_is_what_all_texts_stand_on(texts, name):
    assert named_policy(*texts) == name


def test_overrides_stay_when_a_later_text_names_another_policy():
    texts = {"position": "long_premium, stop_loss.percent=25", "launch": "short_premium"}
    policy = combine_policies(texts, shipped_policies())
    assert policy == parse_policy("short_premium, stop_loss.percent=25")
    assert policy.origins["stop_loss.percent"] == "position"
    assert policy.origins["stop_loss.basis"] == "short_premium"


def test_a_text_that_another_one_overrides_must_be_readable_all_the_same():
    with pytest.raises(InputError, match="aggressive"):
        combine_policies({"position": "aggressive", "launch": "default"}, shipped_policies())
