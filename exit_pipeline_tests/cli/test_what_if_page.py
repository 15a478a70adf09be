"""The page of a what-if: one file, for any screen, in which no text becomes markup."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from typing import Any

import pytest

from exit_pipeline.adapters.clients.postgres_engine import make_engine
from exit_pipeline.adapters.database.postgres.database import PostgresDatabase
from exit_pipeline.cli.what_if_page import page_of
from exit_pipeline.policies import shipped_policies
from exit_pipeline.services.what_if import what_if
from exit_pipeline.services.what_if_report import WhatIfReport
from exit_pipeline.services.what_if_request import WhatIfRequest
from exit_pipeline_tests.core.replay.test_ten_rows import BOOK
from exit_pipeline_tests.fakes import FakeCalendar
from exit_pipeline_tests.recorded import record

OTHER = "profit_target.percent=40, stop_loss.percent=20"
EMPTY = {"meta", "img", "br"}


@pytest.fixture
def database(database_url: str) -> Iterator[PostgresDatabase]:
    engine = make_engine(database_url)
    database = PostgresDatabase(engine)
    record(database, BOOK, positions=["<A&1>"] * 7 + ["B"] * 3)
    yield database
    engine.dispose()


def tried(database: PostgresDatabase, policies: Sequence[str] = (), **other: Any) -> WhatIfReport:
    request = WhatIfRequest(
        first=date(2026, 3, 18), last=date(2026, 3, 19), policies=policies, **other
    )
    return what_if(
        request, database=database, calendar=FakeCalendar(), library=shipped_policies()
    )  # fmt: skip


class Reader(HTMLParser):
    """Keeps the tags and words of a page, and that each tag is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in {"src", "href"}]
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def test_a_page_asks_nothing_of_a_network_and_fits_any_screen(database: PostgresDatabase) -> None:
    page = page_of(tried(database, [OTHER]))
    reader = read(page)
    assert "http" not in page
    assert "@import" not in page
    assert not {"script", "link", "iframe"} & set(reader.tags)
    assert all(source.startswith("data:image/png;base64,") for source in reader.sources)
    # Money over time, exits by reason, the difference by position.
    assert len(reader.sources) == 3
    assert re.search(r'name="viewport" content="width=device-width', page)
    assert "prefers-color-scheme: dark" in page


def test_a_page_tells_every_figure(database: PostgresDatabase) -> None:
    words = " ".join(read(page_of(tried(database, [OTHER]))).words)
    for figure in ("331.30", "355.63", "+24.33", "333.35", "218.35", "165.65", "177.8",
                   "9.33 to 15.00", "5 at 2.84, PROFIT_TARGET, 03-18 10:05",
                   "The record ends before the last exit of 1 of 2 positions"):  # fmt: skip
        assert figure in words


def test_no_text_becomes_markup(database: PostgresDatabase) -> None:
    report = tried(database, [OTHER])
    report.notes.append("<script>alert(1)</script> & more")
    report.left_out["<b>"] = 2
    (one,) = report.tried
    report.tried = [replace(one, policy=replace(one.policy, label="<i>mine</i>"))]
    reader = read(page_of(report))
    assert not {"script", "b", "i", "a"} & set(reader.tags)
    words = " ".join(reader.words)
    assert {"<A&1>", "<i>mine</i>"} <= set(reader.words)
    assert "<script>alert(1)</script> & more" in words


@pytest.mark.parametrize(
    ("grid", "pictures"),
    [
        ({"stop_loss.percent": ["10", "20", "30"]}, 2),
        ({"stop_loss.percent": ["10", "20"], "profit_target.percent": ["40", "50"]}, 2),
        ({"stop_loss.percent": ["10", "20"], "profit_target.percent": ["40", "50"],
          "trailing_stop.distance_percent": ["10", "20"]}, 1),
    ],
    ids=["a line", "a map", "too many for a picture"],
)  # fmt: skip
def test_a_grid_has_a_picture_of_its_own(
    database: PostgresDatabase, grid: dict[str, list[str]], pictures: int
) -> None:
    page = page_of(tried(database, grid=grid))
    before_sections = page.partition("<h2>")[0]
    assert before_sections.count("<img") == pictures


def test_of_many_policies_the_best_are_told_in_detail(database: PostgresDatabase) -> None:
    grid = {"stop_loss.percent": [str(10 + number) for number in range(20)]}
    page = page_of(tried(database, grid=grid))
    assert page.count("<h2>") == 12
    assert "The 12 policies with the best difference follow in detail." in page
    assert "Of 20 policies, the 6 best are drawn." in page
    assert all(f"stop_loss.percent={10 + number}<" in page for number in range(20))
