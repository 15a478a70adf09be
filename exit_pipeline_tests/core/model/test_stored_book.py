"""How a book's columns are written in the database's words."""

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.model.book import KINDS, MOST_RULES, Book
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.stored_book import NAMES, book_of_stored, stored_columns
from exit_pipeline_tests.builders import a_book, book_of
from exit_pipeline_tests.core.engine.rows import rows

HITS = st.lists(st.integers(0, 255), min_size=MOST_RULES, max_size=MOST_RULES)


def assert_same_book(one: Book, other: Book) -> None:
    """Every column to the last bit, also the sign of a zero; of policies only the hash is kept."""
    for name in NAMES:
        ours, theirs = getattr(one, name), getattr(other, name)
        assert ours.dtype == theirs.dtype, name
        np.testing.assert_array_equal(ours, theirs, err_msg=name)
        if ours.dtype == np.float64:
            np.testing.assert_array_equal(np.signbit(ours), np.signbit(theirs), err_msg=name)


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


@given(st.lists(st.tuples(rows(), HITS), min_size=1, max_size=10))
def test_what_was_stored_is_the_same_book(table: list[tuple[dict[str, object], list[int]]]) -> None:
    book = book_of([row | {"hits": hits} for row, hits in table])
    assert_same_book(book_of_stored(stored_columns(book)), book)


def test_a_row_of_which_little_is_known_is_the_same_row() -> None:
    known = {"side": np.array([1], np.int8)}
    assert_same_book(book_of_stored(stored_columns(Book.of(1, **known))), Book.of(1, **known))


def test_a_column_of_a_later_version_is_not_known() -> None:
    kept = stored_columns(a_book(vix="17", confluence=0.5, hits=(3,) * 32))
    for name in ("vix", "confluence", "rule_hits", "gex_entry", "days_in_trade"):
        del kept[name]
    book = book_of_stored(kept)
    assert np.isnan(book.vix[0])
    assert not book.hits.any()
    assert book.gex_entry[0] == 0


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("side", None, "column side of a stored decision is empty"),
        ("force_close", None, "column force_close of a stored decision is empty"),
        ("feed_age_limit", None, "column feed_age_limit of a stored decision is empty"),
        ("side", "FLAT", "column side of a stored decision has a value that is never stored"),
        ("bid", "free", "column bid of a stored decision has a value that is never stored"),
        ("regime", "CALM", "column regime of a stored decision has a value that is never stored"),
    ],
    ids=["no side", "no flag", "no limit", "a foreign side", "no price", "a foreign regime"],
)
def test_what_never_was_an_input_is_refused(column: str, value: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        book_of_stored(stored_columns(a_book()) | {column: [value]})
