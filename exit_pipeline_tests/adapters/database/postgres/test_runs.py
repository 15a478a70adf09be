"""Runs: one tick is worked once, and one account by one run at a time."""

import threading
from datetime import timedelta

import pytest

from exit_pipeline.core.model.record import Alert, BrokerCall, RunStatus, RunSummary
from exit_pipeline_tests.adapters.database.postgres.examples import (
    LEASE,
    NOON,
    intent,
    position,
    record,
    start,
    tick,
)

FIVE = timedelta(minutes=5)


def open_one(database, holder="run-1", at=NOON, account="demo", **other):
    (handle,) = database.runs.open(tick(at, **other), [account], holder, "v1", LEASE)
    return handle


def finish(database, handle, holder="run-1", status=RunStatus.SUCCEEDED):
    database.runs.close(holder, [RunSummary(run_id=handle.run_id, status=status)])


def expire(sql):
    sql("UPDATE account_leases SET expires_at = now() - interval '1 second'")


def test_a_tick_is_opened_with_its_lease_and_code_version(database, sql):
    handle = open_one(database)
    assert handle.status is RunStatus.STARTED
    (run,) = sql("SELECT * FROM decision_runs")
    assert (str(run["id"]), run["status"], run["tick_at"]) == (handle.run_id, "STARTED", NOON)
    assert (run["code_version"], run["dagster_run_id"]) == ("v1", "run-1")
    (lease,) = sql("SELECT *, expires_at - now() AS left FROM account_leases")
    assert (lease["holder"], lease["fence"]) == ("run-1", 1)
    assert timedelta() < lease["left"] <= LEASE


def test_accounts_are_opened_in_the_order_in_which_they_are_asked_for(database):
    handles = database.runs.open(tick(), ["b", "a", "c"], "run-1", "v1", LEASE)
    assert [handle.account for handle in handles] == ["b", "a", "c"]


def test_a_tick_that_was_worked_says_when_and_is_not_worked_again(database, sql):
    first = open_one(database)
    finish(database, first)
    sql("UPDATE decision_runs SET finished_at = '2025-03-03 17:00:02+00'")
    again = open_one(database, holder="run-2")
    assert (again.run_id, again.status) == (first.run_id, RunStatus.SUCCEEDED)
    assert again.reason == "this tick was already worked at 12:00:02"
    sql("UPDATE decision_runs SET finished_at = '2026-07-01 17:00:02+00'")
    assert open_one(database).reason.endswith("worked at 2026-07-01 13:00:02")


def test_an_account_that_another_run_holds_is_skipped_and_the_skip_is_kept(database, sql):
    open_one(database)
    later = open_one(database, holder="run-2", at=NOON + FIVE)
    assert later.status is RunStatus.SKIPPED
    assert later.reason == "account demo is being worked by run run-1"
    kept = sql("SELECT status, status_reason FROM decision_runs WHERE dagster_run_id = 'run-2'")
    assert kept == [{"status": "SKIPPED", "status_reason": later.reason}]


def test_a_second_launch_of_the_same_tick_leaves_the_working_run_as_it_is(database, sql):
    first = open_one(database)
    second = open_one(database, holder="run-2")
    assert (second.run_id, second.status) == (first.run_id, RunStatus.SKIPPED)
    finish(database, second, holder="run-2", status=RunStatus.SKIPPED)
    assert sql("SELECT status, dagster_run_id FROM decision_runs") == [
        {"status": "STARTED", "dagster_run_id": "run-1"}
    ]
    assert open_one(database, holder="run-3").status is RunStatus.SKIPPED


def test_a_holder_enters_its_own_lease_again_without_a_new_fence(database, sql):
    first = open_one(database)
    assert open_one(database) == first
    assert sql("SELECT fence FROM account_leases") == [{"fence": 1}]


def test_an_expired_lease_is_taken_over_and_the_run_is_continued(database, sql):
    first = open_one(database)
    expire(sql)
    second = open_one(database, holder="run-2")
    assert (second.run_id, second.status) == (first.run_id, RunStatus.STARTED)
    assert sql("SELECT holder, fence FROM account_leases") == [{"holder": "run-2", "fence": 2}]


def test_a_run_that_lost_its_lease_can_neither_close_the_run_nor_give_the_account_away(
    database, sql
):
    handle = open_one(database)
    expire(sql)
    open_one(database, holder="run-2")
    finish(database, handle, holder="run-1", status=RunStatus.FAILED)
    assert sql("SELECT status FROM decision_runs") == [{"status": "STARTED"}]
    assert open_one(database, holder="run-3").reason.endswith("worked by run run-2")


def test_an_account_that_was_given_back_is_free_also_where_the_servers_clock_was_set_back(
    database, sql
):
    """Regression: a lease ended at the moment at which it was given back, and by a clock that was
    an hour slower from then on it was held for another hour, in which no tick was worked."""
    finish(database, open_one(database))
    sql("UPDATE account_leases SET expires_at = expires_at + interval '1 hour'")
    later = open_one(database, holder="run-2", at=NOON + FIVE)
    assert later.status is RunStatus.STARTED


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.SKIPPED])
def test_a_tick_that_failed_or_was_skipped_is_worked_under_the_same_run(database, sql, status):
    first = open_one(database)
    finish(database, first, status=status)
    again = open_one(database, holder="run-2")
    assert (again.run_id, again.status) == (first.run_id, RunStatus.STARTED)
    assert sql("SELECT status, finished_at FROM decision_runs") == [
        {"status": "STARTED", "finished_at": None}
    ]


@pytest.mark.parametrize(
    ("newest", "said"),
    [(NOON + FIVE, "12:05"), (NOON + timedelta(days=1), "2025-03-04 12:00")],
    ids=["same day", "another day"],
)
def test_a_tick_of_now_older_than_the_newest_worked_one_may_only_bring_the_books_up_to_date(
    database, newest, said
):
    finish(database, open_one(database, at=newest))
    late = open_one(database, holder="run-2")
    assert (late.status, late.is_superseded) == (RunStatus.STARTED, True)
    assert late.reason == f"account demo was already worked for {said}, which is later"
    assert late.fence == 2
    finish(database, late, holder="run-2", status=RunStatus.SKIPPED)
    assert open_one(database, holder="run-3", at=newest + FIVE).status is RunStatus.STARTED


def test_a_replayed_tick_older_than_the_newest_worked_one_is_skipped(database):
    finish(database, open_one(database, at=NOON + FIVE, mode="recorded"))
    late = open_one(database, holder="run-2", mode="recorded")
    assert (late.status, late.is_superseded, late.fence) == (RunStatus.SKIPPED, False, None)
    assert late.reason == "account demo was already worked for 12:05, which is later"


def test_a_run_knows_the_fence_under_which_it_may_send_and_a_dry_run_has_none(database):
    assert open_one(database).fence == 1
    assert open_one(database, holder="run-2", dry_run=True).fence is None
    assert open_one(database, holder="run-3", at=NOON + FIVE).fence is None


def test_a_launch_for_one_position_does_not_make_a_tick_late(database):
    finish(database, open_one(database, at=NOON + FIVE, request_id="by-hand"))
    assert open_one(database, holder="run-2").status is RunStatus.STARTED


def test_a_later_dry_run_or_failed_run_or_another_environment_keeps_no_tick_away(database):
    finish(database, open_one(database, at=NOON + FIVE, dry_run=True))
    finish(database, open_one(database, at=NOON + FIVE), status=RunStatus.FAILED)
    finish(database, open_one(database, at=NOON + FIVE, environment="tape"))
    assert open_one(database).status is RunStatus.STARTED


def test_a_dry_run_takes_no_lease_and_is_never_refused(database, sql):
    finish(database, open_one(database, at=NOON + FIVE))
    open_one(database, holder="run-2", at=NOON + 2 * FIVE)
    dry = open_one(database, holder="run-3", dry_run=True)
    assert dry.status is RunStatus.STARTED
    assert sql("SELECT holder FROM account_leases") == [{"holder": "run-2"}]


def test_a_request_of_its_own_never_takes_the_place_of_a_scheduled_tick(database):
    by_hand = open_one(database, request_id="by-hand")
    finish(database, by_hand)
    scheduled = open_one(database, holder="run-2")
    assert scheduled.status is RunStatus.STARTED
    assert scheduled.run_id != by_hand.run_id


def test_closing_writes_how_it_ended_and_gives_the_account_back(database, sql):
    handle = open_one(database)
    summary = RunSummary(
        run_id=handle.run_id,
        status=RunStatus.FAILED,
        reason="the broker did not answer",
        counts={"positions": 4},
        market={"underlyings": {"SPY": {"last": "580.1"}}},
        market_source="recorded",
    )
    database.runs.close("run-1", [summary])
    (run,) = sql("SELECT * FROM decision_runs")
    assert (run["status"], run["status_reason"]) == ("FAILED", "the broker did not answer")
    assert (run["counts"], run["market"]) == ({"positions": 4}, summary.market)
    assert run["market_source"] == "recorded"
    assert run["finished_at"] is not None
    assert open_one(database, holder="run-2", at=NOON + FIVE).status is RunStatus.STARTED
    assert sql("SELECT fence FROM account_leases") == [{"fence": 2}]


def test_of_many_runs_that_open_one_account_at_once_exactly_one_works(database):
    runners = 6
    together, answers = threading.Barrier(runners), []

    def launch(number):
        together.wait(10)
        answers.append(open_one(database, holder=f"run-{number}").status)

    threads = [threading.Thread(target=launch, args=(number,)) for number in range(runners)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [RunStatus.SKIPPED] * (runners - 1) + [RunStatus.STARTED]


def test_opening_and_closing_many_accounts_at_once_never_locks_up(database):
    accounts, failures = [f"a{number}" for number in range(8)], []

    def work(holder, order):
        try:
            for minute in range(8):
                at = NOON + timedelta(minutes=minute)
                handles = database.runs.open(tick(at), order, holder, "v1", LEASE)
                worked = [one for one in handles if one.status is RunStatus.STARTED]
                ended = [RunSummary(run_id=one.run_id, status=one.status) for one in worked]
                database.runs.close(holder, ended)
        except Exception as error:
            failures.append(error)

    orders = {"run-1": accounts, "run-2": accounts[::-1]}
    threads = [threading.Thread(target=work, args=both) for both in orders.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_the_same_alert_of_a_run_is_kept_once(database, sql):
    (run_id,) = start(database)
    alert = Alert(severity="WARNING", cause="LATE", subject="p1", message="It is.", run_id=run_id)
    database.runs.raise_alerts([alert, alert])
    database.runs.raise_alerts([alert])
    assert sql("SELECT cause, subject, message FROM alerts") == [
        {"cause": "LATE", "subject": "p1", "message": "It is."}
    ]


def test_an_alert_without_a_run_is_raised_again_only_after_somebody_acknowledged_it(database, sql):
    alert = Alert(severity="CRITICAL", cause="DISK", subject="server", message="It is full.")
    database.runs.raise_alerts([alert, alert])
    database.runs.raise_alerts([alert])
    assert len(sql("SELECT 1 FROM alerts")) == 1
    sql("UPDATE alerts SET acknowledged_at = now()")
    database.runs.raise_alerts([alert])
    assert len(sql("SELECT 1 FROM alerts")) == 2


def test_an_open_alert_is_counted_once_for_each_run_that_raises_it_again(database, sql):
    first, second = (start(database, at=NOON + n * FIVE, holder=f"run-{n}") for n in (1, 2))
    expire(sql)
    for (run_id,) in (first, first, second, second, first):
        database.runs.raise_alerts(
            [Alert(severity="WARNING", cause="LATE", subject="p1", message="m.", run_id=run_id)]
        )
    assert sql("SELECT times FROM alerts") == [{"times": 3}]


def test_an_open_alert_without_a_run_is_counted_whenever_it_is_raised(database, sql):
    alert = Alert(severity="CRITICAL", cause="DISK", subject="server", message="It is full.")
    for _ in range(3):
        database.runs.raise_alerts([alert])
    assert sql("SELECT times FROM alerts") == [{"times": 3}]


@pytest.mark.parametrize(
    ("before", "then", "severity", "message"),
    [
        ("WARNING", "CRITICAL", "CRITICAL", "then"),
        ("INFO", "WARNING", "WARNING", "then"),
        ("CRITICAL", "WARNING", "CRITICAL", "before"),
        ("WARNING", "WARNING", "WARNING", "before"),
    ],
)
def test_an_open_alert_becomes_as_grave_as_the_gravest_that_was_raised(
    database, sql, before, then, severity, message
):
    """An order in doubt is a WARNING at first; two minutes later it was CRITICAL, and stayed one.

    The second was dropped, since the first was open, and nobody was told that it had become worse.
    """
    for level, text in ((before, "before"), (then, "then")):
        database.runs.raise_alerts(
            [Alert(severity=level, cause="ORDER_UNKNOWN", subject="p1", message=text)]
        )
    assert sql("SELECT severity, message FROM alerts") == [
        {"severity": severity, "message": message}
    ]


def test_of_alerts_raised_together_the_gravest_counts(database, sql):
    levels = ("INFO", "CRITICAL", "WARNING")
    database.runs.raise_alerts(
        [Alert(severity=one, cause="X", subject="p1", message=one) for one in levels]
    )
    assert sql("SELECT severity, message, times FROM alerts") == [
        {"severity": "CRITICAL", "message": "CRITICAL", "times": 1}
    ]


def test_many_who_raise_the_same_alerts_in_any_order_wait_for_each_other(database, sql):
    """Rows locked in the order in which they were raised would have ended one of them."""
    alerts = [
        Alert(severity="WARNING", cause="X", subject=str(number), message="m.")
        for number in range(50)
    ]
    database.runs.raise_alerts(alerts)
    threads = [
        threading.Thread(target=database.runs.raise_alerts, args=(alerts[::step],))
        for step in (1, -1, 1, -1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sql("SELECT DISTINCT times FROM alerts") == [{"times": 5}]


def test_broker_calls_are_logged_in_one_statement(database, sql, statements):
    call = BrokerCall(
        run_id=None,
        broker="paper",
        environment="paper",
        account="demo",
        call="submit",
        client_order_id="em-paper-1",
        outcome="ok",
        detail="ACCEPTED",
        called_at=NOON,
    )
    database.runs.log_calls([call] * 3)
    assert len(statements) == 1
    rows = sql("SELECT broker_call, client_order_id, called_at FROM adapter_logs")
    assert (
        rows == [{"broker_call": "submit", "client_order_id": "em-paper-1", "called_at": NOON}] * 3
    )


def test_the_overview_counts_what_is_open_by_environment_and_account(database, sql):
    database.positions.import_positions([position(), position("p2", account="other")])
    sql(
        "INSERT INTO refactored_positions (id, symbol, quantity, entry_price, entry_time)"
        " VALUES ('mine', 'SPY', 1, 1, now())"
    )
    (run_id,) = start(database)
    record(database, intent(run_id))
    database.runs.raise_alerts(
        [Alert(severity="INFO", cause="C", subject="s", message="m.", run_id=run_id)]
    )
    database.runs.close("run-1", [RunSummary(run_id=run_id, status=RunStatus.SUCCEEDED)])
    rows = [
        (one.environment, one.account, one.open_positions, one.live_orders, one.alerts)
        for one in database.runs.overview()
    ]
    assert rows == [
        ("paper", "demo", 1, 1, 1),
        ("paper", "other", 1, 0, 0),
        ("paper", "unassigned", 1, 0, 0),
    ]
    assert [one.last_tick_at for one in database.runs.overview()] == [NOON, None, None]
