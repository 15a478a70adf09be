from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.adapters.clients.figures import (
    read_count,
    read_instant,
    read_number,
    read_price,
)

ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.none())


@given(ANYTHING)
def test_anything_can_be_read(value):
    price, absurd = read_price(value)
    assert price is None or (price >= 0 and not absurd)
    assert read_number(value) is None or isinstance(read_number(value), float)
    assert read_count(value) is None or read_count(value) >= 0
    instant = read_instant(value)
    assert instant is None or instant.tzinfo is UTC


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (4.15, (Decimal("4.15"), False)),
        ("4.15", (Decimal("4.15"), False)),
        (" 4 ", (Decimal(4), False)),
        (0, (Decimal(0), False)),
        (33.5000009536743, (Decimal("33.5"), False)),
        (-0.01, (None, True)),
        (float("nan"), (None, True)),
        ("Infinity", (None, True)),
        (10_000_001, (None, True)),
        (None, (None, False)),
        (False, (None, False)),
        ("", (None, False)),
        ([1], (None, False)),
    ],
)
def test_a_price_has_four_decimals_or_is_none(value, expected):
    assert read_price(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(103.0, 103), ("7", 7), (0, 0), (-1, None), (None, None), (True, None)]
)
def test_a_count_is_whole_and_not_negative(value, expected):
    assert read_count(value) == expected


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2024-04-22T19:59:59.992734208Z", None, datetime(2024, 4, 22, 19, 59, 59, 992734, UTC)),
        ("2024-04-22T15:59:59-04:00", None, datetime(2024, 4, 22, 19, 59, 59, tzinfo=UTC)),
        ("2024-04-22T15:59:59", None, None),
        ("2024-04-22T15:59:59", "America/New_York", datetime(2024, 4, 22, 19, 59, 59, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None, None),
        ("yesterday", None, None),
        (1713816000, None, None),
    ],
)
def test_a_time_is_utc_or_none(text, zone, expected):
    assert read_instant(text, ZoneInfo(zone) if zone else None) == expected
