"""How a book's columns are written in the database's words."""

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from exit_pipeline.core.model.book import KINDS, Book
from exit_pipeline.core.model.stored_book import NAMES, stored_columns
from exit_pipeline_tests.builders import a_book


def test_every_column_but_the_index_of_the_policy_is_kept() -> None:
    assert KINDS.keys() - NAMES.keys() == {"policy"}
    assert stored_columns(a_book()).keys() == set(NAMES.values())


def test_what_is_known_is_written_in_words_and_dollars() -> None:
    book = a_book(mark="1.15", side=-1, right=-1, regime=3, gamma_sign=-1, iv=0.25, bid_size=7)
    kept = {name: column[0] for name, column in stored_columns(book).items()}
    assert (kept["bid"], kept["ask"]) == (Decimal("1.1400"), Decimal("1.1600"))
    assert (kept["side"], kept["option_right"], kept["regime"]) == ("SHORT", "PUT", "HIGH_VOL")
    assert (kept["gamma_sign"], kept["iv"], kept["bid_size"]) == (-1, 0.25, 7)
    assert kept["feed_age_limit"] == timedelta(seconds=30)
    assert str(kept["decided_at"]) == "2026-03-18 14:00:00+00:00"


@pytest.mark.parametrize("name", sorted(NAMES))
def test_what_is_not_known_is_none_and_never_zero(name: str) -> None:
    (kept,) = stored_columns(Book.of(1))[NAMES[name]]
    # A side, a flag and a span are always known.
    assert kept in ({None, False, timedelta(0)})


def test_counts_are_kept_only_where_a_rule_has_one() -> None:
    hits = np.zeros(32, np.uint8)
    hits[4] = 2
    kept = stored_columns(a_book({"hits": (0,) * 32}, {"hits": tuple(hits)}))["rule_hits"]
    assert kept[0] is None
    assert kept[1] == [0, 0, 0, 0, 2] + [0] * 27
