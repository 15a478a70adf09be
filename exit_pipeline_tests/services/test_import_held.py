"""Importing what a broker's account holds: rows, alerts, sentences, and what a failure leaves."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from exit_pipeline.core.model.errors import InputError, UnavailableError
from exit_pipeline.core.model.order import HeldPosition
from exit_pipeline.core.model.record import NewPosition
from exit_pipeline.services.adopt import adopt
from exit_pipeline.services.import_book import import_book
from exit_pipeline.services.import_held import import_held
from exit_pipeline_tests.desk import CALL, FAR_CALL, MORNING, PUT, Desk, decision
from exit_pipeline_tests.fakes import FakeVendor, new_york

HIGHER_CALL = "ACME260417C00110000"
NEW = f"vendor-V1-{CALL}"
ALERTS = "SELECT severity, cause, subject FROM alerts ORDER BY cause, subject"


@pytest.fixture
def vendor() -> FakeVendor:
    return FakeVendor()


@pytest.fixture
def desk(database_url: str, vendor: FakeVendor, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("EXIT_IMPORT_POSITIONS", "true")
    desk = Desk(database_url)
    desk.broker = vendor
    return desk


def imported(desk: Desk, account: str = "V1") -> list[str]:
    return import_held(
        account,
        broker=desk.broker,
        database=desk.database,
        calendar=desk.calendar,
        at=desk.clock.now(),
    )


def managed(desk: Desk, name: str, quantity: int = 1, symbol: str = CALL) -> None:
    """A position that a person brought in as a CSV."""
    new = NewPosition(
        id=name,
        symbol=symbol,
        side="LONG",
        quantity=quantity,
        entry_price=Decimal("2.00"),
        entry_time=MORNING - timedelta(days=1),
        account="V1",
        broker="vendor",
        environment="paper",
    )
    import_book([new], broker=desk.broker, database=desk.database)


def open_rows(desk: Desk) -> dict[str, int]:
    lines = desk.database.positions.listing()
    return {line.id: line.open_quantity for line in lines if line.status == "OPEN"}


def test_what_is_held_becomes_rows_that_say_where_they_are_from(
    desk: Desk, vendor: FakeVendor
) -> None:
    bought = datetime(2026, 3, 2, 15, tzinfo=UTC)
    vendor.hold(CALL, 3, "2.10", bought)
    vendor.hold(FAR_CALL, -1, "1.00")
    assert imported(desk) == [
        f"{NEW}: LONG 3 at 2.10 imported, not managed until it is adopted (exit-pipeline positions "
        "adopt)",
        f"vendor-V1-{FAR_CALL}: SHORT 1 at 1.00 imported, not managed until it is adopted "
        "(exit-pipeline positions adopt)",
    ]
    first, second = desk.database.positions.open_positions("paper")
    assert (first.broker, first.environment, first.account) == ("vendor", "paper", "V1")
    assert (first.entry_price, first.entry_time, first.managed) == (Decimal("2.10"), bought, False)
    assert second.entry_time == MORNING
    assert imported(desk) == []


def test_a_row_lives_as_long_as_the_holding_and_the_next_one_is_another(
    desk: Desk, vendor: FakeVendor
) -> None:
    vendor.hold(CALL, 3)
    imported(desk)
    vendor.hold(CALL, 2, "2.20")
    assert imported(desk) == [f"{NEW}: 3 contracts are now 2 and entry price 2.00 is now 2.20"]
    del vendor.held[CALL]
    assert imported(desk) == [f"{NEW}: nothing of it is held any more; closed as EXTERNAL"]
    vendor.hold(CALL, 1)
    imported(desk)
    assert open_rows(desk) == {f"{NEW}-2": 1}
    assert (desk.position(NEW).close_kind, desk.position(NEW).realized_pnl) == ("EXTERNAL", None)


def test_managed_contracts_that_are_missing_are_an_alert_of_the_utmost_kind(
    desk: Desk, vendor: FakeVendor
) -> None:
    managed(desk, "csv", 2)
    vendor.hold(CALL, 1)
    said = [f"1 LONG of {CALL} are held in account V1 and 2 are managed"]
    assert (imported(desk), imported(desk)) == (said, said)
    assert desk.rows(ALERTS) == [{"severity": "CRITICAL", "cause": "HELD_DIFFERS", "subject": NEW}]
    assert open_rows(desk) == {"csv": 2}


def test_a_csv_that_takes_an_import_over_closes_it(desk: Desk, vendor: FakeVendor) -> None:
    vendor.hold(CALL, 2)
    imported(desk)
    managed(desk, "csv", 2)
    imported(desk)
    assert open_rows(desk) == {"csv": 2}


def test_without_an_answer_nothing_is_changed(desk: Desk, vendor: FakeVendor) -> None:
    vendor.hold(CALL, 2)
    imported(desk)
    vendor.held.clear()
    vendor.is_down = True
    with pytest.raises(UnavailableError):
        imported(desk)
    assert open_rows(desk) == {NEW: 2}


def test_another_account_is_refused_as_it_would_look_flat(desk: Desk) -> None:
    with pytest.raises(InputError, match="account is 'V2'; the broker vendor knows V1"):
        imported(desk, "V2")


def test_the_paper_brokers_ledger_is_filled_from_csv_files(database_url: str) -> None:
    with pytest.raises(InputError, match="broker is 'paper', whose ledger is filled from CSV"):
        imported(Desk(database_url), "desk")


def test_the_legs_of_a_probable_spread_are_named_once(desk: Desk, vendor: FakeVendor) -> None:
    vendor.hold(CALL, 1)
    vendor.hold(HIGHER_CALL, -1)
    higher = f"vendor-V1-{HIGHER_CALL}"
    assert imported(desk)[2:] == [
        f"{NEW} looks like a leg of a spread with {higher}; its exits are not sent singly",
        f"{higher} looks like a leg of a spread with {NEW}; its exits are not sent singly",
    ]
    assert imported(desk) == []
    assert [row["cause"] for row in desk.rows(ALERTS)] == ["SPREAD_LEG", "SPREAD_LEG"]
    del vendor.held[HIGHER_CALL]
    assert f"{NEW}: looks like a leg of a spread no longer" in imported(desk)


def test_calls_are_logged_like_all_of_a_broker(desk: Desk, vendor: FakeVendor) -> None:
    vendor.hold(CALL, 1)
    imported(desk)
    assert desk.rows("SELECT account, broker_call, outcome, detail FROM adapter_logs") == [
        {"account": "V1", "broker_call": "positions", "outcome": "ok", "detail": "1 held"}
    ]


class KnowsEntries(FakeVendor):
    """Tells when holdings were opened, by another question than what they are."""

    def entered_at(self, held: Sequence[HeldPosition]) -> Mapping[str, datetime]:
        self._answer("entered_at")
        return {one.symbol: MORNING - timedelta(days=9) for one in held if one.symbol == CALL}


def test_entries_are_asked_for_only_of_what_is_new_and_has_no_time(desk: Desk) -> None:
    vendor = KnowsEntries()
    desk.broker = vendor
    vendor.hold(CALL, 1)
    vendor.hold(PUT, 1)
    imported(desk)
    imported(desk)
    assert vendor.asked.count("entered_at") == 1
    entered = {one.id: one.entry_time for one in desk.database.positions.open_positions("paper")}
    assert entered == {NEW: MORNING - timedelta(days=9), f"vendor-V1-{PUT}": MORNING}


class BooksMeanwhile(FakeVendor):
    """While it is asked for holdings, another process books a fill of the only contract."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk

    def positions(self, account: str) -> Sequence[HeldPosition]:
        told = super().positions(account)
        self.desk.rows_changed(
            "UPDATE refactored_positions SET exited_quantity = quantity,"
            " external_quantity = quantity, status = 'CLOSED'"
        )
        return told


def test_contracts_that_are_sold_while_the_broker_is_asked_do_not_come_back(desk: Desk) -> None:
    desk.broker = vendor = BooksMeanwhile(desk)
    managed(desk, "csv")
    vendor.hold(CALL, 1)
    assert imported(desk) == [
        "account V1 was changed while its broker was asked; nothing was imported"
    ]
    assert open_rows(desk) == {}


@pytest.mark.parametrize(
    ("at", "closed"),
    [
        pytest.param(new_york(date(2026, 4, 17), 15, 59), True, id="sold by hand on its last day"),
        pytest.param(new_york(date(2026, 4, 17), 16), False, id="at the close"),
        pytest.param(new_york(date(2026, 4, 21), 15, 59), False, id="on the Tuesday"),
        pytest.param(new_york(date(2026, 4, 21), 16), True, id="when nobody told how it ended"),
    ],
)
def test_what_vanishes_as_it_expires_waits_for_its_settlement(
    desk: Desk, vendor: FakeVendor, at: datetime, closed: bool
) -> None:
    vendor.hold(CALL, 1)
    imported(desk)
    vendor.held.clear()
    desk.at(at)
    imported(desk)
    assert (desk.position(NEW).status == "CLOSED") is closed


# In ticks


def test_a_tick_imports_decides_and_sends_nothing_until_it_is_adopted(
    desk: Desk, vendor: FakeVendor
) -> None:
    vendor.hold(CALL, 2)
    desk.quote(CALL, "1.15", "1.25")
    report = desk.tick()
    assert report.executed.decided.tick.notes[0].startswith(f"{NEW}: LONG 2 at 2.00 imported")
    assert decision(report, NEW).exit_reason == "STOP_LOSS"
    assert report.executed.notes == {
        NEW: "not sent: imported and not managed yet (exit-pipeline positions adopt)"
    }
    assert "submit" not in vendor.asked
    adopt([NEW], None, None, broker=vendor, database=desk.database)
    desk.later()
    desk.quote(CALL, "1.15", "1.25")
    desk.tick()
    assert (desk.position(NEW).status, desk.position(NEW).exit_reason) == ("CLOSED", "STOP_LOSS")
    desk.later()
    assert desk.tick().executed.decided.tick.notes == ()
    assert open_rows(desk) == {}


def test_a_leg_of_a_spread_is_not_sent_also_where_it_was_adopted_before(
    desk: Desk, vendor: FakeVendor
) -> None:
    vendor.hold(CALL, 2)
    desk.quote(CALL, "2.00", "2.10")
    desk.tick()
    adopt([NEW], None, None, broker=vendor, database=desk.database)
    vendor.hold(HIGHER_CALL, -2)
    higher = f"vendor-V1-{HIGHER_CALL}"
    for _ in range(2):
        desk.later()
        desk.quote(CALL, "1.15", "1.25")
        report = desk.tick()
        assert report.executed.notes[NEW] == (
            f"not sent: {NEW} looks like a leg of a spread with {higher}"
        )
    assert "submit" not in vendor.asked
    assert desk.rows(f"SELECT cause FROM alerts WHERE subject = '{NEW}'") == [
        {"cause": "SPREAD_LEG"}
    ]


@pytest.mark.parametrize("is_known", [True, False], ids=["account is known", "before any row"])
def test_a_failed_import_is_an_alert_and_costs_no_decision(
    desk: Desk, vendor: FakeVendor, is_known: bool
) -> None:
    desk.rows_changed(
        "INSERT INTO refactored_positions (id, symbol, direction, quantity, entry_price,"
        " entry_time, status, strike, expiration, option_type) VALUES ('old', 'ACME', 'CALL', 2,"
        " 2.00, '2026-03-16T15:00Z', 'OPEN', 100, '2026-04-17', 'CALL')"
    )
    if is_known:
        managed(desk, "csv")
    vendor.is_down = True
    desk.quote(CALL, "2.00", "2.10")
    report = desk.tick()
    assert {one.position_id for one in report.decisions} == {"old", *["csv"] * is_known}
    *left_alone, note = report.executed.decided.tick.notes
    assert left_alone == ["account V1 is left alone: the vendor does not answer"] * is_known
    assert note == "what vendor holds could not be imported: the vendor does not answer"
    assert desk.rows(ALERTS) == [
        *[{"severity": "WARNING", "cause": "ACCOUNT_NOT_KNOWN", "subject": "V1"}] * is_known,
        {"severity": "WARNING", "cause": "IMPORT_FAILED", "subject": "vendor"},
    ]


class ForgetsToAnswer(FakeVendor):
    """Says who it is, and not what it holds."""

    def positions(self, account: str) -> Sequence[HeldPosition]:  # noqa: ARG002
        message = "unreadable"
        raise RuntimeError(message)


def test_holdings_that_cant_be_read_are_an_alert_of_their_account(desk: Desk) -> None:
    desk.broker = ForgetsToAnswer()
    managed(desk, "csv")
    desk.quote(CALL, "2.00", "2.10")
    report = desk.tick()
    assert len(report.decisions) == 1
    assert report.executed.decided.tick.notes == (
        "V1 could not be reconciled: unreadable",
        "what account V1 holds could not be imported: unreadable",
    )
    assert desk.database.runs.overview()[0].alerts == 2


@pytest.mark.parametrize(
    ("why", "asked"), [("off", ["accounts", "positions"]), ("dry run", [])], ids=["off", "dry run"]
)
def test_a_tick_asks_for_nothing_more_where_it_is_not_to_import(
    desk: Desk,
    vendor: FakeVendor,
    monkeypatch: pytest.MonkeyPatch,
    why: str,
    asked: list[str],
) -> None:
    if why == "off":
        monkeypatch.setenv("EXIT_IMPORT_POSITIONS", "false")
    managed(desk, "csv")
    vendor.hold(CALL, 5)
    desk.quote(CALL, "2.00", "2.10")
    config: dict[str, Any] = {"dry_run": True} if why == "dry run" else {}
    desk.tick(config)
    assert vendor.asked == asked
    assert open_rows(desk) == {"csv": 1}


def test_a_tick_of_the_paper_broker_imports_nothing(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXIT_IMPORT_POSITIONS", "true")
    desk = Desk(database_url)
    desk.hold("a")
    desk.rows_changed("UPDATE paper.positions SET quantity = 5")
    desk.quote(CALL, "2.00", "2.10")
    assert desk.tick().executed.decided.tick.notes == ()
    assert open_rows(desk) == {"a": 1}


def test_accounts_that_are_not_the_brokers_are_worked_and_not_imported(
    desk: Desk, vendor: FakeVendor
) -> None:
    """They hold rows of another broker in the same environment, or of none."""
    managed(desk, "csv")
    desk.rows_changed("UPDATE refactored_positions SET account = 'elsewhere', broker = 'paper'")
    vendor.hold(FAR_CALL, 1)
    desk.quote(CALL, "2.00", "2.10")
    report = desk.tick()
    assert {run.account for run in report.runs} == {"elsewhere", "V1"}
    assert open_rows(desk) == {"csv": 1, f"vendor-V1-{FAR_CALL}": 1}
