"""Settings of gamma exposure."""

import pytest
from pydantic import ValidationError

from exit_pipeline.core.context.gamma_settings import GammaSettings


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"figures": "guessed"}, "'solved' or 'feed'"),
        ({"walls": "brick"}, "'side' or 'net'"),
        ({"levels": 1}, "greater than or equal to 2"),
        ({"rate": float("nan")}, "finite number"),
        ({"interest_percent_min": 0}, "greater than 0"),
        ({"vol_percent_min": 101}, "less than or equal to 100"),
        ({"lowest": 1.0}, "must lie around 1, the spot"),
        ({"highest": 0.9}, "must lie around 1, the spot"),
        ({"level": 60}, "Extra inputs"),
    ],
)
def test_a_setting_out_of_range_is_refused(setting, told):
    with pytest.raises(ValidationError, match=told):
        GammaSettings(**setting)


def test_every_setting_is_described():
    assert all(field.description for field in GammaSettings.model_fields.values())
