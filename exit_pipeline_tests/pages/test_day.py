"""The page of a day: one small file, for any screen, in which no text becomes markup."""

import re
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest

from exit_pipeline.core.engine.policy import rule_classes
from exit_pipeline.pages.day import day_page
from exit_pipeline.pages.words import say_money
from exit_pipeline.services.day_report import DayReport
from exit_pipeline_tests.days import (
    CHOSEN,
    SESSION,
    Day,
    a_leaving,
    a_position,
    a_random_day,
    a_tick,
    an_alert,
    an_order,
    at,
)
from exit_pipeline_tests.fakes import NEW_YORK

EVERY_RULE = ", ".join(f"{name}=on" for name in rule_classes())
EMPTY = {"meta", "br", "line", "path", "circle"}
EVIL = '<script>alert("1")</script>'


class Reader(HTMLParser):
    """Keeps the tags, attributes and words of a page, and that each tag is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in EMPTY:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def read(report: DayReport) -> Reader:
    reader = Reader()
    reader.feed(day_page(report, NEW_YORK))
    reader.close()
    assert reader.open == []
    return reader


def tile(reader: Reader, name: str) -> str:
    """The figure under a heading of the summary."""
    words = [one.strip() for one in reader.words if one.strip()]
    return words[words.index(name, words.index("P&L of the day")) + 1]


@pytest.fixture(scope="module")
def day() -> Day:
    return a_random_day(3)


@pytest.mark.parametrize("text", ["default", EVERY_RULE], ids=["the default policy", "every rule"])
def test_a_page_of_200_positions_with_78_ticks_each_stays_below_a_megabyte(text: str) -> None:
    day = a_random_day(200, text)
    assert len(day.decisions) == 200 * 78
    page = day_page(day.report([*SESSION.ticks()]), NEW_YORK)
    assert page.count("<article") == 200
    assert len(page.encode()) < 1_000_000


def test_a_page_asks_nothing_of_a_network_and_fits_any_screen_and_paper(day: Day) -> None:
    page, reader = day_page(day.report(), NEW_YORK), read(day.report())
    assert "http://" not in page
    assert "https://" not in page
    assert "@import" not in page
    assert "url(" not in page
    assert not {"script", "link", "iframe", "img", "object"} & set(reader.tags)
    assert all(value.startswith("#") for name, value in reader.attributes if name == "href")
    assert "src" not in {name for name, _ in reader.attributes}
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in reader.attributes
    assert re.search(r'name="viewport" content="width=device-width', page)
    for medium in ("prefers-color-scheme: dark", "max-width: 44rem", "@media print"):
        assert medium in page


def test_no_text_becomes_markup() -> None:
    day = a_random_day(1, name=EVIL)
    (position,) = day.positions
    day.positions = [replace(position, option_symbol=EVIL, account=EVIL)]
    day.ticks = [a_tick(10, account=EVIL, market_source=EVIL, status="FAILED", reason=EVIL)]
    day.ticks += [a_tick(10, account="other", market_source=EVIL)]
    day.orders = [an_order(position.id, exit_reason=EVIL, why=EVIL, status="DENIED")]
    day.leavings = [a_leaving(position.id, reason=EVIL)]
    day.alerts = [
        an_alert(severity=EVIL, cause=EVIL, subject=EVIL, message=EVIL, acknowledged_by=EVIL,
                 acknowledged_at=at(11))
    ]  # fmt: skip
    day.decisions = replace(day.decisions, left_out={EVIL: 1})
    report = day.report(chosen=replace(CHOSEN, others=(EVIL,)))
    page, reader = day_page(report, NEW_YORK), read(report)
    assert "script" not in reader.tags
    assert "<script" not in page.lower()
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    # Account twice, source, reason of the tick, others, symbol, position, reasons, alert ...
    assert reader.text.count(EVIL) >= 12


def test_the_exits_tell_their_market_limit_fill_and_slippage() -> None:
    day = a_random_day(1)
    day.orders = [an_order("p000")]
    day.leavings = [a_leaving("p000")]
    text = read(day.report()).text
    # Half of a spread of 0.20 lost on 5 contracts of 100.
    row = "10:05 p000 PROFIT_TARGET sell 5 of 5 2.90 3.00 3.10 2.90 2.90 +50.00 +50.0 % FILLED"
    assert row in text


@pytest.mark.parametrize(
    ("order", "shown"),
    [
        ({"bid": None}, "- - 3.10 2.90 2.90 - - FILLED"),
        ({"average_price": None, "filled_quantity": 0, "status": "REJECTED", "why": "no"},
         "2.90 3.00 3.10 2.90 - - - REJECTED: no"),
        ({"bid": None, "ask": None, "limit_price": None, "average_price": None,
          "status": "DENIED", "why": "TOO_LARGE"}, "- - - - - - - DENIED: TOO_LARGE"),
    ],
    ids=["no bid", "not filled", "denied"],
)  # fmt: skip
def test_what_an_exit_does_not_know_is_no_zero(order: dict[str, Any], shown: str) -> None:
    day = a_random_day(1)
    day.orders, day.leavings = [an_order("p000", **order)], []
    assert shown in read(day.report()).text


def test_the_summary_tells_the_days_figures(day: Day) -> None:
    report = day.report()
    reader = read(report)
    assert tile(reader, "P&L of the day") == "+10.00"
    assert tile(reader, "Realised after costs") == say_money(report.summary.net)
    assert tile(reader, "Exits") == "3 contracts"
    assert tile(reader, "Orders denied") == "0"
    assert tile(reader, "Alerts open") == "3"


def test_a_day_of_which_nothing_is_known_says_so(day: Day) -> None:
    empty = Day(decisions=day.decisions.take(slice(0, 0)), positions=[a_position()])
    empty.ticks = [a_tick(10, day_pnl=None, market_source=None)]
    reader = read(empty.report([at(10), at(10, 5)]))
    assert tile(reader, "P&L of the day") == "not known"
    for said in (
        "No exit order on this day.",
        "No contract left on this day.",
        "no mark on this day",
        "No rule of it can be shown",
        "No quote had a fault.",
        "No alert on this day, and none open from before.",
        "Of 2 ticks that were due 1 were worked (0 of them late) and 1 missed",
        "missed: 10:05",
    ):
        assert said in reader.text


def test_a_position_that_is_due_without_an_order_is_named() -> None:
    day = a_random_day(1)
    day.orders, day.leavings = [], []
    (due,) = day.report().not_sent
    assert due.exits > 1
    assert due.nearest
    said = f"p000: {due.nearest.reason}, due at {due.exits} ticks"
    assert said in read(day.report()).text
    day.orders = [an_order("p000")]
    assert said not in read(day.report()).text


def test_live_accounts_are_masked_as_in_every_message(day: Day) -> None:
    asked = replace(CHOSEN.asked, environment="live")
    alone = replace(day, ticks=[a_tick(10, account="123456789")])
    text = read(alone.report(chosen=replace(CHOSEN, asked=asked))).text
    assert "123456789" not in text
    assert "...789" in text


def test_a_page_that_is_made_within_the_session_says_so(day: Day) -> None:
    assert "The session is not over" in read(day.report(now=at(12))).text
    assert "The session is not over" not in read(day.report()).text


def test_what_nobody_told_a_price_of_is_in_no_sum_and_told() -> None:
    day = a_random_day(1)
    day.leavings = [a_leaving("p000", contracts=2, price=None, costs=None, reason="EXTERNAL")]
    reader = read(day.report())
    assert "without 2 contracts nobody told all of" in reader.text
    assert "2 left for EXTERNAL at a price that nobody told" in reader.text
    assert "realised not known" in reader.text


def test_each_position_shows_its_path_with_its_levels_and_its_exit() -> None:
    day = a_random_day(1)
    day.leavings = [a_leaving("p000", contracts=1, price=Decimal("2.00"))]
    page = day_page(day.report(), NEW_YORK)
    (card,) = re.findall(r"<article.*?</article>", page, re.DOTALL)
    assert card.count('class="exit"') == 1
    assert {"entry", "stop", "target"} <= set(re.findall(r'<line class="(\w+)"', card))
    (path,) = re.findall(r'<path d="([^"]*)"', card)
    assert len(re.findall("[ML]", path)) == sum(
        point.mark is not None for point in day.report().positions[0].points
    )
