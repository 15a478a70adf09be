"""What brokers answer badly: the matter of one position, told in the run, and of no other."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from exit_pipeline.services.tick import TickReport
from exit_pipeline_tests.desk import CALL, FAR_CALL
from exit_pipeline_tests.fake_brokers import tradier as fakes
from exit_pipeline_tests.fake_brokers.server import Reply, json_reply
from exit_pipeline_tests.vendor_desk import VendorDesk, vendor_desk

LISTING, BY_ID = "/orders$", "/v2/orders:by_client_order_id"
TOO_LONG = fakes.plain("x" * 5_000_000)


@dataclass(frozen=True)
class Fault:
    """What a server does.

    Attributes:
        alpaca: Its name at the fake Alpaca.
        tradier: The fake Tradier's answer.
        said: Words of ours about it, of Alpaca and of Tradier where they differ.
        is_repeated: Reads are tried again after it, four times in all.
        hangs: The answer is waited for until the patience ends.
        is_done: The server does what it is asked, and answers so.
    """

    alpaca: str
    tradier: Reply
    said: tuple[str, ...]
    is_repeated: bool = False
    hangs: bool = False
    is_done: bool = False

    @property
    def times(self) -> int:
        """How often a read has to meet it before it is given up."""
        return 4 if self.is_repeated else 1


FAULTS = {
    "HTML": Fault("html", fakes.HTML, ("the answer is HTML",)),
    "a truncated body": Fault(
        "truncated", fakes.CUT, ("the answer broke off",), is_repeated=True, is_done=True
    ),
    "a broken body": Fault("broken", fakes.BROKEN, ("broken off or no JSON",)),
    "a 5 MB error page": Fault(
        "huge_error", fakes.HUGE, ("status 500: the server failed",), is_repeated=True
    ),
    "a 5 MB refusal": Fault("huge_refusal", TOO_LONG, ("the error page is too large",)),
    "no answer": Fault("never", Reply(never=True), ("no answer in time",), hangs=True),
    "an endless answer": Fault("endless", Reply(endless=True), ("no answer in time",), hangs=True),
    "another form": Fault(
        "other_form", json_reply("ok"),
        ("of another form than documented", "neither an order nor", "the answer is no object"),
    ),
}  # fmt: skip

Spoil = Callable[[VendorDesk], Any]


@pytest.fixture(params=["alpaca", "tradier"])
def desk(request: pytest.FixtureRequest, database_url: str) -> Iterator[VendorDesk]:
    with vendor_desk(database_url, request.param, request.param) as made:
        yield made


def one_order_rests(desk: VendorDesk) -> None:
    """An earlier tick has sent the order of ``bad``, which nothing has filled; ``good`` is due."""
    del desk.alpaca.ledger.quotes[CALL], desk.tradier.ledger.markets[CALL]
    desk.quote(FAR_CALL, "2.05", "2.10")
    desk.tick()
    assert desk.orders() == {"bad": "ACCEPTED"}
    desk.later()
    desk.quote(FAR_CALL, "3.15", "3.25")


def fail(desk: VendorDesk, fault: Fault, method: str, path: tuple[str, str], times: int) -> None:
    """Let the desk's broker answer so."""
    desk.patience = 1.5 if fault.hangs else desk.patience
    desk.alpaca.fail(fault.alpaca, method, path[0], times)
    desk.tradier.fail(method, path[1], fault.tradier, before=not fault.is_done, times=times)


def check(
    desk: VendorDesk,
    report: TickReport,
    caplog: pytest.LogCaptureFixture,
    said: Sequence[str],
    alert: tuple[str, str | None] | None,
) -> None:
    """All were decided, the run tells of it, a person is told, and nobody saw a traceback."""
    assert {one.position_id for one in report.decisions} >= {"bad", "good", "calm"}
    assert any(words in desk.said for words in said), desk.said
    cause, subject = alert or (None, None)
    raised = [of for what, of in desk.alerts() if what == cause]
    assert cause is None or subject in raised or (subject is None and raised)
    assert [record for record in caplog.records if record.exc_info] == []
    assert "Traceback" not in desk.said


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_an_order_whose_answer_is_no_answer_is_read_back_or_unknown_and_the_next_one_is_sent(
    desk: VendorDesk, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    fail(desk, fault, "POST", ("/v2/orders", LISTING), times=1)
    report = desk.tick()
    assert desk.orders() == {"bad": "FILLED" if fault.is_done else "UNKNOWN", "good": "FILLED"}
    check(desk, report, caplog, fault.said, ("ORDER_UNKNOWN", "bad"))


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_an_order_that_cant_be_read_stays_as_it_is_and_the_next_one_is_sent(
    desk: VendorDesk, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    one_order_rests(desk)
    fail(desk, fault, "GET", ("/v2/orders", LISTING), 2 * fault.times)
    report = desk.tick()
    assert desk.orders() == {"bad": "ACCEPTED", "good": "FILLED"}
    check(desk, report, caplog, fault.said, ("NOT_RECONCILED", "bad"))


@dataclass(frozen=True)
class Case:
    """What is wrong with one position or with all, and what comes of it.

    Attributes:
        spoil: Makes it so.
        bad: The status of the order of ``bad``; None where there is none.
        said: Words of the run, any of them.
        cause: Of the alert; None where nobody has to act.
        good: The status of the order of ``good``.
        about: What the alert is about; None where it is about the account.
    """

    spoil: Spoil
    bad: str | None
    said: tuple[str, ...]
    cause: str | None
    good: str | None = "FILLED"
    about: str | None = "bad"


def _wrong_key(desk: VendorDesk) -> None:
    desk.broker_environ = {"ALPACA_SECRET_KEY": "another-key-of-theirs",
                           "TRADIER_API_KEY": "another-key-of-theirs"}  # fmt: skip


def _changed(assignment: str, where: str = "id = 'bad'") -> Spoil:
    def change(desk: VendorDesk) -> None:
        with desk.engine.begin() as connection:
            statement = f"UPDATE refactored_positions SET {assignment} WHERE {where}"
            connection.exec_driver_sql(statement)

    return change


def _account_of_somebody_else(desk: VendorDesk) -> None:
    desk.broker_environ = {"TRADIER_ACCOUNT_ID": "VA00000001"}
    _changed("account = 'VA00000001'", "true")(desk)


def _not_held(desk: VendorDesk) -> None:
    desk.alpaca.ledger.holdings.pop(CALL)
    desk.tradier.ledger.positions.pop(CALL)


def _key_for_reading_only(desk: VendorDesk) -> None:
    desk.alpaca.fail("forbidden", "POST", "/v2/orders")
    desk.tradier.fail("POST", LISTING, fakes.fault("Insufficient scope", 403))


def _other_figures(desk: VendorDesk) -> None:
    desk.alpaca.numbers = desk.tradier.strings = True


SENDING = {
    "wrong key": Case(
        _wrong_key, None,
        ("Alpaca refuses ALPACA_API_KEY and ALPACA_SECRET_KEY in its paper environment with status"
         " 401", "Tradier refuses the access token in TRADIER_API_KEY with status 401"),
        "ACCOUNT_NOT_KNOWN", good=None, about=None,
    ),
    "key that may only read": Case(
        _key_for_reading_only, "REJECTED",
        ("Alpaca refuses ALPACA_API_KEY", "status 403: Insufficient scope"), "ORDER_REFUSED",
    ),
    "position of another account": Case(
        _changed("account = 'PA-OTHER'"), None,
        ("does not say that account PA-OTHER is ours",), "WRONG_ACCOUNT", about=None,
    ),
    "account of somebody else": Case(
        _account_of_somebody_else, None,
        ("does not say that account VA00000001 is ours", "TRADIER_ACCOUNT_ID is 'VA00000001'"),
        None, good=None,
    ),
    "contract that the broker does not hold": Case(
        _not_held, None, (f"the broker holds 0 contracts of {CALL} free for it",), "EXIT_BLOCKED",
    ),
    "adjusted contract": Case(
        _changed("option_symbol = 'ACME1260417C00100000'"), None,
        ("ACME1260417C00100000 is adjusted",), "NOT_DECIDED",
    ),
    "figures as strings and numbers": Case(
        _other_figures, "FILLED", ("PROFIT_TARGET",), None
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SENDING.values(), ids=SENDING)
def test_what_is_wrong_when_orders_are_sent_is_told_and_sent_is_what_can_be(
    desk: VendorDesk, case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    case.spoil(desk)
    report = desk.tick()
    assert (desk.orders().get("bad"), desk.orders().get("good")) == (case.bad, case.good)
    check(desk, report, caplog, case.said, case.cause and (case.cause, case.about))


def _odd_status(desk: VendorDesk) -> None:
    (order,) = desk.alpaca.ledger.orders.values() if desk.broker == "alpaca" else (None,)
    if order is not None:
        order.status = "frozen_by_weather"
    else:
        desk.tradier.ledger.orders[0]["status"] = "frozen_by_weather"


def _answered(alpaca: str, tradier: Any) -> Spoil:
    def spoil(desk: VendorDesk) -> None:
        desk.alpaca.fail(alpaca, "GET", BY_ID)
        desk.tradier.fail("GET", LISTING, json_reply(tradier))

    return spoil


def _not_shown(desk: VendorDesk) -> None:
    desk.alpaca.hides_new_orders = 1
    desk.tradier.fail("GET", LISTING, json_reply({"orders": {}}))


UNKNOWN_STATUS = ("gives the order an unknown status, so it is taken as working: frozen",)
NOT_SHOWN = ("is not shown by the broker",)
NO_FORM = ("of another form than documented",)

READING = {
    "unknown status": Case(_odd_status, "ACCEPTED", UNKNOWN_STATUS, "ORDER_DOUBTFUL"),
    "order that is not shown": Case(_not_shown, "UNKNOWN", NOT_SHOWN, "ORDER_UNKNOWN"),
    "wrong key from now on": Case(
        _wrong_key, "ACCEPTED", ("in its paper environment", "refuses the access token"),
        "ACCOUNT_NOT_KNOWN", good=None, about=None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", READING.values(), ids=READING)
def test_what_is_wrong_when_an_order_is_read_is_told_and_the_others_are_sent(
    desk: VendorDesk, case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    one_order_rests(desk)
    case.spoil(desk)
    report = desk.tick()
    assert (desk.orders().get("bad"), desk.orders().get("good")) == (case.bad, case.good)
    check(desk, report, caplog, case.said, case.cause and (case.cause, case.about))


NOTHING = {
    "the text null": ("null_text", {"orders": "null"}),
    "null": ("null", {"orders": None}),
    "an empty list": ("empty_list", {"orders": []}),
}


@pytest.mark.parametrize(("alpaca", "tradier"), NOTHING.values(), ids=NOTHING)
def test_nothing_where_an_order_should_be_never_reads_as_never_placed(
    desk: VendorDesk, alpaca: str, tradier: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Alpaca answers 404 to an id that it does not know, so there nothing is no answer at all."""
    caplog.set_level(logging.WARNING)
    one_order_rests(desk)
    _answered(alpaca, tradier)(desk)
    report = desk.tick()
    is_answer = desk.broker == "tradier"
    assert desk.orders() == {"bad": "UNKNOWN" if is_answer else "ACCEPTED", "good": "FILLED"}
    cause = "ORDER_UNKNOWN" if is_answer else "NOT_RECONCILED"
    check(desk, report, caplog, NOT_SHOWN if is_answer else NO_FORM, (cause, "bad"))


def test_a_position_of_the_other_environment_is_neither_decided_nor_sent(desk: VendorDesk) -> None:
    _changed("environment = 'live'")(desk)
    report = desk.tick()
    assert {one.position_id for one in report.decisions} == {"good", "calm"}
    assert desk.orders() == {"good": "FILLED"}


def test_what_could_not_be_sent_is_sent_by_the_next_tick(desk: VendorDesk) -> None:
    """Regression: where Tradier listed no orders, what was never sent was waited for for ever."""
    desk.alpaca.fail("server_error", "GET", "/v2/account", times=99)
    desk.tradier.fail("GET", LISTING, fakes.DOWN, times=8)
    desk.tick()
    is_listed = desk.broker == "tradier"
    assert desk.orders() == ({"bad": "REJECTED", "good": "REJECTED"} if is_listed else {})
    causes = {cause for cause, _ in desk.alerts()}
    assert ("ORDER_REFUSED" if is_listed else "ACCOUNT_NOT_KNOWN") in causes
    desk.alpaca.recover()
    desk.later()
    desk.tick()
    assert desk.orders() == {"bad": "FILLED", "good": "FILLED"}
