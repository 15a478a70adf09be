"""What sources of market data answer badly: told in the run, and every position is decided.

Each source serves a broker that takes its quotes; Cboe's, which are delayed, only the paper one.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from exit_pipeline.services.tick import TickReport
from exit_pipeline_tests.desk import CALL, MORNING, decision
from exit_pipeline_tests.fake_brokers import tradier as fakes
from exit_pipeline_tests.fake_brokers.cboe import option
from exit_pipeline_tests.fake_brokers.server import Reply, json_reply
from exit_pipeline_tests.fake_brokers.tradier_ledger import option_row
from exit_pipeline_tests.vendor_desk import VendorDesk, vendor_desk

BY_NEED = "quotes:tradier|alpaca,indices:cboe"
BROKERS = {"alpaca": "alpaca", "tradier": "tradier", "cboe": "paper", BY_NEED: "tradier"}
QUOTES = {"alpaca": "/options/snapshots", "tradier": "/markets/quotes", "cboe": "/options/ACME"}
LEVELS = {"alpaca": "/indices/", "cboe": "/quotes/_VIX", BY_NEED: "/quotes/_VIX"}
MISSING = "has no quote of 1 options: ACME260417C00100000"


@pytest.fixture(params=BROKERS, ids=["alpaca", "tradier", "cboe", "composite"])
def desk(request: pytest.FixtureRequest, database_url: str) -> Iterator[VendorDesk]:
    with vendor_desk(database_url, BROKERS[request.param], request.param) as made:
        yield made


@dataclass(frozen=True)
class Fault:
    """An answer to whatever is asked of a part of a source, and any of these words of ours."""

    reply: Reply
    said: tuple[str, ...]
    hangs: bool = False


NO_FORM = ("not of the published form", "the answer is no object", "not of the known form")
FAULTS = {
    "HTML": Fault(fakes.HTML, ("the answer is HTML", "the file is HTML")),
    "a truncated body": Fault(fakes.CUT, ("the answer broke off",)),
    "a broken body": Fault(fakes.BROKEN, ("broken off or no JSON",)),
    "a 5 MB error page": Fault(fakes.HUGE, ("status 500: the server failed",)),
    "a 5 MB refusal": Fault(fakes.plain("x" * 5_000_000), ("the error page is too large",)),
    "no answer": Fault(Reply(never=True), ("no answer in time",), hangs=True),
    "an endless answer": Fault(Reply(endless=True), ("no answer in time",), hangs=True),
    "the text null": Fault(json_reply("null"), NO_FORM),
    "an empty list": Fault(json_reply([]), NO_FORM),
}


def check(
    desk: VendorDesk,
    report: TickReport,
    caplog: pytest.LogCaptureFixture,
    said: tuple[str, ...],
    cause: str | None,
) -> None:
    """All were decided, the run tells of it, a person is told, and nobody saw a traceback."""
    assert [one.position_id for one in report.decisions] == ["bad", "calm", "good"]
    assert any(words in desk.said for words in said), desk.said
    assert cause in {None, *(cause for cause, _ in desk.alerts())}
    assert [record for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_where_quotes_are_not_answered_nothing_is_guessed_and_a_fallback_stands_in(
    desk: VendorDesk, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    desk.patience = 1.5 if fault.hangs else desk.patience
    desk.spoil(fault.reply, QUOTES.get(desk.source, QUOTES["tradier"]))
    report = desk.tick()
    if desk.source == BY_NEED:
        assert desk.orders() == {"bad": "FILLED", "good": "FILLED"}
        check(desk, report, caplog, fault.said, "MARKET_DATA_FALLBACK_USED")
        assert "came from the fallback alpaca" in desk.said
        return
    assert desk.orders() == {}
    assert {one.mark for one in report.decisions} == {None}
    is_part = desk.source == "cboe"  # whose indices are files of their own
    cause = "MARKET_DATA_NOT_ANSWERED" if is_part else "MARKET_DATA_DOWN"
    check(desk, report, caplog, fault.said, cause)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("desk", ["alpaca", "cboe"], indirect=True)
def test_where_indices_are_not_answered_every_exit_is_sent(
    desk: VendorDesk, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    desk.patience = 1.5 if fault.hangs else desk.patience
    desk.spoil(fault.reply, LEVELS[desk.source])
    report = desk.tick()
    assert desk.orders() == {"bad": "FILLED", "good": "FILLED"}
    check(desk, report, caplog, fault.said, "MARKET_DATA_NOT_ANSWERED")


@dataclass(frozen=True)
class Case:
    """What is wrong with a source or with a contract, and what comes of it.

    Attributes:
        spoil: Makes it so.
        said: Words of the run, any of them.
        cause: Of the alert; None where nobody has to act.
        bad: The status of the order of ``bad``; None where there is none.
        sources: Where it can be.
    """

    spoil: Callable[[VendorDesk], Any]
    said: tuple[str, ...]
    cause: str | None
    bad: str | None = None
    sources: tuple[str, ...] = tuple(BROKERS)


def _unknown(desk: VendorDesk) -> None:
    desk.forget(CALL)


def _refused(desk: VendorDesk) -> None:
    desk.alpaca_data.refuses = {CALL}


def _unknown_to_the_first(desk: VendorDesk) -> None:
    desk.tradier.quotes.pop(CALL)


def _adjusted(desk: VendorDesk) -> None:
    with desk.engine.begin() as connection:
        adjusted = "option_symbol = 'ACME1260417C00100000'"
        statement = f"UPDATE refactored_positions SET {adjusted} WHERE id = 'bad'"
        connection.exec_driver_sql(statement)


def _of_150_shares(desk: VendorDesk) -> None:
    row = option_row(CALL, MORNING, bid=3.15, ask=3.25, contract_size=150)
    desk.tradier.quotes[CALL] = row


def _of_unreadable_size(desk: VendorDesk) -> None:
    row = option_row(CALL, MORNING, bid=3.15, ask=3.25, contract_size="one lot")
    desk.tradier.quotes[CALL] = row


def _strings(desk: VendorDesk) -> None:
    desk.alpaca_data.quote_option(CALL, "3.15", "3.25", MORNING)
    size = {"bidsize": "16", "asksize": "91", "contract_size": "100"}
    row = option_row(CALL, MORNING, bid="3.15", ask="3.25", **size)
    desk.tradier.quotes[CALL] = row
    desk.put_chain(option(CALL, "3.15", "3.25", bid_size="12"))


def _numbers(desk: VendorDesk) -> None:
    desk.alpaca_data.quote_option(CALL, 3.15, 3.25, MORNING)
    row = option_row(CALL, MORNING, bid=3.15, ask=3.25, contract_size=100.0)
    desk.tradier.quotes[CALL] = row


def _no_prices(desk: VendorDesk) -> None:
    desk.alpaca_data.quote_option(CALL, "n/a", "", MORNING)
    desk.tradier.quotes[CALL] = option_row(CALL, MORNING, bid="n/a", ask="")


CASES = {
    "unknown symbol": Case(_unknown, (MISSING,), "MARKET_DATA_NOT_QUOTED"),
    "symbol that makes the vendor refuse all": Case(
        _refused, (MISSING,), "MARKET_DATA_NOT_QUOTED", sources=("alpaca",)
    ),
    "symbol that only the fallback knows": Case(
        _unknown_to_the_first, ("quotes of 1 symbols came from the fallback alpaca",),
        "MARKET_DATA_FALLBACK_USED", bad="FILLED", sources=(BY_NEED,),
    ),
    "adjusted contract": Case(_adjusted, ("ACME1260417C00100000 is adjusted",), "NOT_DECIDED"),
    "contract of 150 shares": Case(
        _of_150_shares, ("ACME260417C00100000 is for 150 shares as",), "NOT_DECIDED",
        sources=("tradier", BY_NEED),
    ),
    "contract of a size that can't be read": Case(
        _of_unreadable_size, ("a price that is no price",), None, sources=("tradier", BY_NEED)
    ),
    "prices as strings": Case(_strings, ("PROFIT_TARGET",), None, bad="FILLED"),
    "prices as numbers": Case(_numbers, ("PROFIT_TARGET",), None, bad="FILLED"),
    "prices that are none": Case(
        _no_prices, ("no bid or no ask",), None, sources=("alpaca", "tradier", BY_NEED)
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("desk", "case"),
    [
        pytest.param(source, case, id=f"{name}-{source}")
        for name, case in CASES.items()
        for source in case.sources
    ],
    indirect=["desk"],
)
def test_what_is_wrong_with_a_contract_is_told_and_the_others_are_sent(
    desk: VendorDesk, case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    """Regression: a fallback gave the quote of a contract that the first source knew as odd."""
    caplog.set_level(logging.WARNING)
    case.spoil(desk)
    report = desk.tick()
    assert (desk.orders().get("bad"), desk.orders()["good"]) == (case.bad, "FILLED")
    check(desk, report, caplog, case.said, case.cause)
    assert (decision(report, "bad").decision == "EXIT") is (case.bad is not None)


WRONG_KEYS = {"ALPACA_SECRET_KEY": "another-key-of-theirs", "TRADIER_API_KEY": "another-key"}
REFUSED_KEYS = (
    "ALPACA_API_KEY and ALPACA_SECRET_KEY are not accepted",
    "Tradier refuses the access token in TRADIER_API_KEY with status 401",
)


@pytest.mark.parametrize("desk", ["alpaca", "tradier"], indirect=True)
def test_keys_that_are_refused_leave_no_quote_and_an_alert(
    desk: VendorDesk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.source_environ = WRONG_KEYS
    report = desk.tick()
    assert desk.orders() == {}
    check(desk, report, caplog, REFUSED_KEYS, "MARKET_DATA_DOWN")


@pytest.mark.parametrize("desk", [BY_NEED], indirect=True)
def test_keys_that_one_source_refuses_leave_the_fallbacks_quotes(
    desk: VendorDesk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.source_environ = {"TRADIER_API_KEY": "another-key"}
    report = desk.tick()
    assert desk.orders() == {"bad": "FILLED", "good": "FILLED"}
    check(desk, report, caplog, REFUSED_KEYS[1:], "MARKET_DATA_FALLBACK_USED")


@pytest.mark.parametrize("desk", ["alpaca"], indirect=True)
def test_a_plan_without_the_feed_is_named(
    desk: VendorDesk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.alpaca_data.feeds = {"indicative"}
    report = desk.tick()
    check(desk, report, caplog, ("the feed opra needs Alpaca's plan",), "MARKET_DATA_DOWN")


@pytest.mark.parametrize("desk", ["tradier"], indirect=True)
@pytest.mark.parametrize("nothing", ["null", None, []], ids=["text", "null", "list"])
def test_no_quotes_at_all_are_told_of(
    desk: VendorDesk, nothing: Any, caplog: pytest.LogCaptureFixture
) -> None:
    desk.spoil(json_reply({"quotes": nothing}), QUOTES["tradier"])
    report = desk.tick()
    assert desk.orders() == {}
    said = ("tradier has no quote of 3 options",)
    check(desk, report, caplog, said, "MARKET_DATA_NOT_QUOTED")


@pytest.mark.parametrize("desk", ["cboe"], indirect=True)
def test_an_underlying_that_cboe_has_no_file_of_is_told_of(
    desk: VendorDesk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.cboe.files = {path: body for path, body in desk.cboe.files.items() if "_VIX" in path}
    report = desk.tick()
    check(desk, report, caplog, ("cboe has no quote of 3 options",), "MARKET_DATA_NOT_QUOTED")
