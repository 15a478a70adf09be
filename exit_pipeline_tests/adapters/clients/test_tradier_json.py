from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from exit_pipeline.adapters.clients.tradier_json import (
    ORDERS_PER_PAGE,
    every_page,
    is_undecided,
    iso_time,
    number,
    refusing_words,
    rows,
    unix_time,
    whole,
)
from exit_pipeline.core.model.errors import UnavailableError

ONE = {"id": 1}
FULL = [{"id": number} for number in range(ORDERS_PER_PAGE)]
INCOMPLETE = "fewer orders than it counts"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"orders": None}, []),
        ({"orders": "null"}, []),
        ({"orders": []}, []),
        ({"orders": {}}, []),
        ({"orders": {"order": None}}, []),
        ({"orders": {"order": "null"}}, []),
        ({"orders": {"order": []}}, []),
        ({"orders": {"order": ONE}}, [ONE]),
        ({"orders": {"order": [ONE, ONE]}}, [ONE, ONE]),
    ],
)
def test_none_one_and_several_are_told_apart(body, expected):
    assert rows(body, "orders", "order") == expected


@pytest.mark.parametrize(
    "body", [{}, {"orders": 1}, {"orders": [ONE]}, {"orders": {"order": 1}}, {"orders": ""}]
)
def test_another_shape_is_an_error_and_never_none(body):
    with pytest.raises(UnavailableError, match="orders"):
        rows(body, "orders", "order")


def pages(*contents: Sequence[dict[str, Any]], **counts: Any) -> Any:
    """Reads pages of these orders, and none after them."""

    def read(number: int) -> dict[str, Any]:
        page = contents[number - 1] if number <= len(contents) else []
        return {"orders": {"order": list(page), "page": number} | counts}

    return read


@pytest.mark.parametrize(
    ("read", "orders"),
    [
        pytest.param(pages([]), 0, id="none"),
        pytest.param(pages([ONE]), 1, id="one page"),
        pytest.param(pages(FULL), ORDERS_PER_PAGE, id="a full page and an empty one"),
        pytest.param(pages(FULL, [{"id": "x"}]), ORDERS_PER_PAGE + 1, id="a full page and a rest"),
        pytest.param(pages([ONE], [{"id": 2}], total_pages=2), 2, id="counted pages"),
        pytest.param(pages([ONE], [{"id": 2}], total_pages="2"), 2, id="pages counted in text"),
        pytest.param(pages([ONE], [ONE, {"id": 2}], total_pages=2), 2, id="pages that overlap"),
        pytest.param(pages([ONE], total_pages=1, total_orders=1), 1, id="counted orders"),
        pytest.param(pages([ONE], total_pages=0, total_orders=1), 1, id="a page of none"),
        pytest.param(pages([ONE], total_pages=None, total_orders="?"), 1, id="counts of no number"),
    ],
)
def test_orders_come_from_every_page_once(read, orders):
    assert len(every_page(read)) == orders


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(pages([ONE], total_pages=2), id="a page that is missing"),
        pytest.param(pages([ONE], [ONE], total_pages=3), id="a page that comes again"),
        pytest.param(
            lambda number: {"orders": {"order": ONE, "total_pages": 2} if number == 1 else "null"},
            id="a page that is null",
        ),
        pytest.param(pages([ONE], total_pages=1, total_orders=2), id="an order that is missing"),
        pytest.param(pages([ONE], total_orders=2), id="an order that is missing, without pages"),
        pytest.param(lambda _number: {"orders": {"order": FULL}}, id="the same page for ever"),
        pytest.param(
            lambda number: {"orders": {"order": {"id": number}, "total_pages": 99}},
            id="more pages than there can be",
        ),
    ],
)
def test_pages_that_do_not_add_up_are_an_error(read):
    with pytest.raises(UnavailableError, match=INCOMPLETE):
        every_page(read)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"order": {"id": 1}}, ""),
        ({"errors": "null"}, ""),
        ({"errors": None}, ""),
        ({"result": True}, ""),
        ({"errors": {"error": "No."}}, "No."),
        ({"errors": {"error": ["No.", "Code"]}}, "No.; Code"),
        ({"errors": ["No.", 3]}, "No.; 3"),
        ({"errors": "No."}, "No."),
        ({"errors": {}}, "refused without a reason"),
        ({"result": False}, "refused without a reason"),
        ({"fault": {"faultstring": "Gone"}}, "Gone"),
        ({"fault": {}}, "fault"),
    ],
)
def test_words_of_refusal_are_found_in_every_form(body, words):
    assert refusing_words(body) == words


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"errors": {"error": ["Sorry.", "OmsInternalError"]}}, True),
        ({"errors": {"error": "OmsUnavailable"}}, True),
        ({"fault": {"faultstring": "x"}}, True),
        ({"errors": {"error": "LongPositionCrossZero"}}, False),
        ({}, False),
        (None, False),
    ],
)
def test_a_fault_behind_the_gateway_decides_nothing(body, expected):
    assert is_undecided(body) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (10.07, "10.07"),
        (3, "3"),
        (" 1.5 ", "1.5"),
        (-2, "-2"),
        (None, None),
        (True, None),
        ("", None),
        ("null", None),
        (float("nan"), None),
        (float("inf"), None),
        ([1], None),
    ],
)
def test_numbers_are_read_by_their_decimal_form(value, expected):
    assert number(value) == (expected and Decimal(expected))


@pytest.mark.parametrize(
    ("value", "expected"), [(3.0, 3), ("3", 3), (-1.0, -1), (1.5, None), (None, None), ("x", None)]
)
def test_whole_numbers_are_whole(value, expected):
    assert whole(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1_783_693_860_500, datetime(2026, 7, 10, 14, 31, 0, 500_000, UTC)),
        (1_783_693_860, datetime(2026, 7, 10, 14, 31, tzinfo=UTC)),
        ("1783693860000", datetime(2026, 7, 10, 14, 31, tzinfo=UTC)),
        (0, None),
        (None, None),
        (-1, None),
        (10**30, None),
        ("soon", None),
    ],
)
def test_a_unix_time_is_in_seconds_or_milliseconds_by_its_size(value, expected):
    assert unix_time(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-07-10T14:31:02.123Z", datetime(2026, 7, 10, 14, 31, 2, 123_000, UTC)),
        ("2026-07-10T10:31:02-04:00", datetime(2026, 7, 10, 14, 31, 2, 0, UTC)),
        ("2026-07-10 14:31:02", datetime(2026, 7, 10, 14, 31, 2, 0, UTC)),
        (None, None),
        ("", None),
        ("today", None),
    ],
)
def test_a_written_time_is_utc(value, expected):
    assert iso_time(value) == expected
