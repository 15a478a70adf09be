"""Thresholds that may be off."""

import pytest
from pydantic import TypeAdapter, ValidationError

from exit_pipeline.core.model.threshold import OptionalThreshold

THRESHOLD = TypeAdapter(OptionalThreshold)


@pytest.mark.parametrize("text", ["none", "None", " NONE ", None])
def test_none_is_written_as_a_word(text):
    assert THRESHOLD.validate_python(text) is None


@pytest.mark.parametrize(("text", "read"), [("5", 5.0), (7.5, 7.5), ("0", 0.0)])
def test_a_number_is_a_number(text, read):
    assert THRESHOLD.validate_python(text) == read


@pytest.mark.parametrize("text", ["", "off", "nil", "five"])
def test_another_word_is_refused(text):
    with pytest.raises(ValidationError):
        THRESHOLD.validate_python(text)
