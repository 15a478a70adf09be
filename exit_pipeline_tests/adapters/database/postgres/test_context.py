"""Daily levels, events and what earlier runs knew, in Postgres."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from exit_pipeline.core.model.account_pnl import AccountHistory
from exit_pipeline.core.model.event import EventKind, MarketEvent
from exit_pipeline.core.model.quote import UnderlyingPrice
from exit_pipeline.core.model.record import RunStatus, RunSummary
from exit_pipeline_tests.adapters.database.postgres.examples import NOON, position, start

DAY = NOON.date()


def price(last, minutes=0, symbol="VIX"):
    at = NOON + timedelta(minutes=minutes)
    return UnderlyingPrice(symbol=symbol, last=Decimal(last), quoted_at=at)


def keep(database, *prices, day=DAY, mode="live"):
    database.context.keep_levels(mode, day, "a test", prices)


def bar(database, mode="live", symbol="VIX"):
    found = database.context.levels(mode, [symbol], date(2000, 1, 1), date(2100, 1, 1))
    bars = found.get(symbol)
    return None if bars is None else (*bars.high, *bars.low, *bars.close)


def test_a_days_levels_widen_and_the_newest_is_its_close(database):
    for last, minutes in (("17", 0), ("19.5", 5), ("16.25", 10), ("18", 15)):
        keep(database, price(last, minutes))
    assert bar(database) == (19.5, 16.25, 18)


def test_a_level_that_is_told_again_later_does_not_become_the_close(database):
    keep(database, price("18", 15))
    keep(database, price("21", 5))
    assert bar(database) == (21, 18, 18)


def test_levels_of_one_mode_are_not_those_of_another(database):
    """A day in the simulated market would otherwise become the live market's history."""
    keep(database, price("18"), mode="simulated")
    assert bar(database) is None
    assert bar(database, "simulated") == (18, 18, 18)


def test_no_price_and_a_price_of_zero_are_no_level(database, statements):
    keep(database)
    keep(database, price("0"))
    assert statements == []


def test_levels_are_written_and_read_in_one_statement_each(database, statements):
    keep(database, *(price("10", symbol=f"S{number}") for number in range(50)))
    database.context.levels("live", ["S1", "S2"], DAY, DAY + timedelta(days=1))
    assert len(statements) == 2


def test_bars_are_of_the_days_that_were_asked_for_oldest_first(database):
    for ahead in (2, 0, 1, 3):
        keep(database, price(str(10 + ahead)), day=DAY + timedelta(days=ahead))
    found = database.context.levels("live", ["VIX"], DAY, DAY + timedelta(days=3))
    assert found["VIX"].close.tolist() == [10, 11, 12]


def event(underlying, kind, days, amount=None):
    return MarketEvent(
        underlying=underlying,
        kind=EventKind(kind),
        at=NOON + timedelta(days=days),
        amount=None if amount is None else Decimal(amount),
    )


def test_events_are_imported_once_and_a_changed_amount_replaces_the_old(database):
    assert database.context.import_events([]) == 0
    first = [event("SPY", "DIVIDEND", 5, "1.75"), event("SPY", "EARNINGS", 5)]
    assert database.context.import_events(first) == 2
    assert database.context.import_events([event("SPY", "DIVIDEND", 5, "1.80")]) == 0
    assert database.context.events() == [event("SPY", "DIVIDEND", 5, "1.80"), first[1]]
    assert database.context.events(NOON + timedelta(days=6)) == []


def test_the_next_event_of_each_kind_is_the_first_not_before_the_moment(database):
    events = [
        event("SPY", "DIVIDEND", -1, "1.00"),
        event("SPY", "DIVIDEND", 0, "1.10"),
        event("SPY", "DIVIDEND", 90, "1.20"),
        event("SPY", "EARNINGS", 30),
        event("QQQ", "EARNINGS", 1),
    ]
    database.context.import_events(events)
    assert database.context.next_events(["SPY", "GOOG"], NOON) == [events[1], events[3]]


def remember(database, details, at=NOON, **other):
    run_ids = start(database, holder=f"run-{at}-{other}", at=at, **other)
    database.signals.record_context(run_ids, {"timestamp": at, "details": details})
    return run_ids


def test_the_memory_is_of_the_newest_scheduled_tick_before_this_one(database):
    remember(database, {"n": 1}, NOON - timedelta(minutes=10))
    remember(database, {"n": 2}, NOON - timedelta(minutes=5))
    remember(database, {"n": 3}, NOON)
    assert database.context.memory("paper", "live", NOON) == {"n": 2}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"environment": "live"}, id="of another environment"),
        pytest.param({"mode": "simulated"}, id="of another market"),
        pytest.param({"request_id": "by-hand"}, id="of a launch for some positions"),
        pytest.param({"dry_run": True}, id="of a dry run"),
        pytest.param({"at": NOON - timedelta(days=5)}, id="of last week"),
    ],
)
def test_what_another_kind_of_run_knew_is_not_remembered(database, other):
    remember(database, {"n": 1}, **{"at": NOON - timedelta(minutes=5)} | other)
    assert database.context.memory("paper", "live", NOON) == {}


def close(database, at, *, open_pnl, realised=0.0, peak=0.0):
    (run_id,) = start(database, holder=str(at), at=at)
    pnl = {"open_pnl": open_pnl, "realised_pnl": realised, "peak_pnl": peak}
    summary = RunSummary(run_id=run_id, status=RunStatus.SUCCEEDED, pnl=pnl)
    database.runs.close(str(at), [summary])


def history(database, at=NOON):
    opens_at = NOON - timedelta(hours=2, minutes=30)
    return database.context.account_history("paper", "live", ["demo", "other"], opens_at, at)


def test_an_account_without_runs_has_no_baseline(database):
    assert history(database) == {
        "demo": AccountHistory(realised=0),
        "other": AccountHistory(realised=0),
    }


def test_the_baseline_is_the_last_run_before_the_session_or_else_its_first(database):
    minutes = timedelta(minutes=5)
    close(database, NOON - minutes, open_pnl=30, peak=30)
    close(database, NOON, open_pnl=40, peak=40)
    first = history(database, NOON + minutes)["demo"]
    assert (first.baseline, first.baseline_at, first.peak) == (30, NOON - minutes, 40)
    yesterday = NOON + timedelta(days=1)
    opens_at = yesterday - timedelta(hours=2, minutes=30)
    found = database.context.account_history("paper", "live", ["demo"], opens_at, yesterday)
    assert (found["demo"].baseline, found["demo"].baseline_at) == (40, NOON)


def test_a_run_that_kept_no_pnl_is_no_baseline(database):
    start(database, at=NOON - timedelta(minutes=5))
    assert history(database)["demo"].baseline is None


def test_realised_is_net_of_costs_and_of_what_was_carried_in(database, sql):
    database.positions.import_positions([position("p1"), position("p2", account="other")])
    sql(
        "UPDATE refactored_positions SET realized_pnl_net = 12.5, carried_pnl = -30 WHERE id = 'p1'"
    )
    assert {account: one.realised for account, one in history(database).items()} == {
        "demo": 42.5,
        "other": 0,
    }
