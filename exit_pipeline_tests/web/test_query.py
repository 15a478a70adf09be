"""Parameters of a query: what is not understood is refused."""

from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.web.operation import Parameter
from exit_pipeline.web.query import (
    check_query,
    read_boolean,
    read_instant,
    read_number,
    read_text,
)

PARAMETERS = (
    Parameter(name="dry_run", description=""),
    Parameter(name="position_id", description="", many=True),
)
UNDERSTOOD = {
    "".join(letters): word in {"true", "1", "yes"}
    for word in ("true", "1", "yes", "false", "0", "no")
    for letters in product(*({letter, letter.upper()} for letter in word))
}


@given(st.sampled_from(sorted(UNDERSTOOD)))
def test_every_way_to_write_a_word_is_understood(text: str) -> None:
    assert read_boolean({"dry_run": [text]}, "dry_run") is UNDERSTOOD[text]


@given(st.text() | st.sampled_from(sorted(UNDERSTOOD)).flatmap(
    lambda word: st.tuples(st.text(max_size=2), st.just(word), st.text(max_size=2)).map("".join)
))  # fmt: skip
def test_anything_else_is_refused_and_never_read_as_false(text: str) -> None:
    if text in UNDERSTOOD:
        return
    with pytest.raises(InputError, match=r"dry_run is .*; expected one of true, 1, yes, false"):
        read_boolean({"dry_run": [text]}, "dry_run")


@pytest.mark.parametrize("text", ["yeſ", "TRUE\u200b", "１", "fаlse", "ﬀ"])
def test_letters_that_only_look_alike_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        read_boolean({"dry_run": [text]}, "dry_run")


def test_what_is_absent_is_false() -> None:
    assert read_boolean({}, "dry_run") is False


@given(st.text(max_size=20))
def test_a_parameter_that_is_not_known_is_refused_however_near_it_comes(name: str) -> None:
    if name in {"dry_run", "position_id"}:
        return
    with pytest.raises(InputError, match="is not known; expected dry_run, position_id"):
        check_query([(name, "true")], PARAMETERS)


def test_only_what_may_be_given_several_times_is() -> None:
    pairs = [("position_id", "a"), ("position_id", "b")]
    assert check_query(pairs, PARAMETERS) == {"position_id": ["a", "b"]}
    with pytest.raises(InputError, match="dry_run is given more than once"):
        check_query([("dry_run", "true"), ("dry_run", "true")], PARAMETERS)


@pytest.mark.parametrize("value", ["a\x00b", "a\nb", "\x1b[31m", "x" * 256, "\ud800"])
def test_a_value_that_can_be_none_is_refused_on_one_short_line(value: str) -> None:
    with pytest.raises(InputError) as refused:
        check_query([("position_id", value)], PARAMETERS)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 160


def test_an_operation_without_parameters_says_that_it_expects_none() -> None:
    with pytest.raises(InputError, match="the query has 'a', which is not known; expected none"):
        check_query([("a", "1")], ())


@pytest.mark.parametrize("text", ["1", "7", "100"])
def test_a_number_within_its_bounds_is_read(text: str) -> None:
    assert read_number({"limit": [text]}, "limit", 5, 100) == int(text)
    assert read_number({}, "limit", 5, 100) == 5


@pytest.mark.parametrize("text", ["0", "101", "-1", "1.0", "", "²", "٣", "9" * 5_000, "1_0"])
def test_a_number_beyond_them_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="expected a whole number from 1 to 100"):
        read_number({"limit": [text]}, "limit", 5, 100)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-17T10:00:00Z",
        "2026-03-17T10:00:00+00:00",
        "2026-03-17T10:00:00 00:00",
        "2026-03-17T12:00:00.000 02:00",
        "2026-03-17T06:00:00-04:00",
    ],
)
def test_a_moment_is_read_also_where_its_plus_was_not_escaped(text: str) -> None:
    assert read_instant({"since": [text]}, "since") == datetime(2026, 3, 17, 10, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-03-17T10:00:00", "2026-03-17 10:00"])
def test_a_moment_without_a_zone_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="since is "):
        read_instant({"since": [text]}, "since")


def test_a_text_that_is_empty_is_refused_rather_than_taken_for_none() -> None:
    assert read_text({}, "status") is None
    assert read_text({"status": ["OPEN"]}, "status") == "OPEN"
    with pytest.raises(InputError, match="status is ' '; expected a value"):
        read_text({"status": [" "]}, "status")
