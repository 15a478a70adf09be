"""What is kept about telling people: per alert and notifier, and in turn."""

from datetime import timedelta

import pytest

from exit_pipeline.core.model.record import Alert
from exit_pipeline_tests.adapters.database.postgres.examples import NOON, start

MINUTE = timedelta(minutes=1)


def raise_one(database, subject="a", severity="CRITICAL", run_id=None):
    database.runs.raise_alerts(
        [Alert(severity=severity, cause="X", subject=subject, message="m.", run_id=run_id)]
    )


def ids(database):
    return {one.subject: one.id for one in database.notifications.open_alerts("log")}


def told(database, notifier="log"):
    return {one.subject: one.told for one in database.notifications.open_alerts(notifier)}


def test_an_alert_that_was_not_tried_yet_waits_as_new(database):
    raise_one(database)
    (one,) = database.notifications.open_alerts("log")
    assert (one.severity, one.cause, one.subject, one.message) == ("CRITICAL", "X", "a", "m.")
    assert (one.environment, one.account, one.times) == (None, None, 1)
    assert (one.told.messages, one.told.attempts, one.told.last_tried_at) == (0, 0, None)
    assert one.is_new


def test_an_alert_says_where_its_run_worked(database):
    (run_id,) = start(database)
    raise_one(database, run_id=run_id)
    (one,) = database.notifications.open_alerts("log")
    assert (one.environment, one.account) == ("paper", "demo")


@pytest.mark.parametrize("environment", ["tape", "simulated"])
def test_alerts_of_recorded_and_simulated_days_are_told_to_nobody(database, environment):
    (run_id,) = start(database, environment=environment)
    raise_one(database, run_id=run_id)
    assert database.notifications.open_alerts("log") == []
    assert len(database.runs.alerts(only_open=True)) == 1


def test_what_was_told_is_counted_for_its_notifier_alone(database):
    raise_one(database)
    for at in (NOON, NOON + MINUTE):
        database.notifications.record_sent("log", {ids(database)["a"]: "CRITICAL"}, at)
    found = told(database)["a"]
    assert (found.severity, found.messages) == ("CRITICAL", 2)
    assert (found.last_sent_at, found.last_tried_at) == (NOON + MINUTE, NOON + MINUTE)
    assert told(database, "slack")["a"].messages == 0


def test_the_first_message_keeps_its_time(database, sql):
    raise_one(database)
    for at in (NOON, NOON + MINUTE):
        database.notifications.record_sent("log", {ids(database)["a"]: "CRITICAL"}, at)
    assert sql("SELECT first_sent_at FROM notifications") == [{"first_sent_at": NOON}]


def test_failures_are_counted_until_it_is_told(database):
    raise_one(database)
    alert = ids(database)["a"]
    for at in (NOON, NOON + MINUTE):
        database.notifications.record_failed("log", [alert], "no answer", at)
    found = told(database)["a"]
    assert (found.attempts, found.last_tried_at, found.messages) == (2, NOON + MINUTE, 0)
    database.notifications.record_sent("log", {alert: "CRITICAL"}, NOON + 2 * MINUTE)
    assert told(database)["a"].attempts == 0
    database.notifications.record_failed("log", [alert], "again", NOON + 3 * MINUTE)
    found = told(database)["a"]
    assert (found.attempts, found.messages, found.last_sent_at) == (1, 1, NOON + 2 * MINUTE)


def test_an_alert_that_somebody_acknowledged_is_not_open(database):
    raise_one(database)
    database.runs.acknowledge([ids(database)["a"]], "ann", NOON)
    assert database.notifications.open_alerts("log") == []


def test_an_alert_that_was_deleted_meanwhile_is_no_fault(database, sql, tamper):
    raise_one(database)
    alert = ids(database)["a"]
    tamper("DELETE FROM alerts")
    database.notifications.record_sent("log", {alert: "CRITICAL"}, NOON)
    database.notifications.record_failed("log", [alert], "x", NOON)
    assert sql("SELECT * FROM notifications") == []


def test_only_one_process_tells_through_a_notifier_at_a_time(database):
    with database.notifications.turn("slack") as first:
        with database.notifications.turn("slack") as second:
            assert (first, second) == (True, False)
        with database.notifications.turn("log") as other:
            assert other
    with database.notifications.turn("slack") as later:
        assert later


def test_a_notifier_is_judged_by_what_it_tried_last(database):
    for subject in ("a", "b"):
        raise_one(database, subject)
    alerts = ids(database)
    store = database.notifications
    assert store.notifiers() == []
    store.record_sent("log", {alerts["a"]: "CRITICAL"}, NOON)
    store.record_failed("slack", [alerts["a"]], "no answer", NOON)
    store.record_failed("slack", [alerts["a"], alerts["b"]], "still none", NOON + MINUTE)
    log, slack = store.notifiers()
    assert (log.notifier, log.attempts, log.last_error, log.last_sent_at) == ("log", 0, None, NOON)
    assert (slack.notifier, slack.attempts, slack.last_error) == ("slack", 2, "still none")
    assert (slack.last_tried_at, slack.last_sent_at) == (NOON + MINUTE, None)
    store.record_sent("slack", {alerts["b"]: "CRITICAL"}, NOON + 2 * MINUTE)
    assert store.notifiers()[1].attempts == 0
    database.runs.acknowledge(list(alerts.values()), "ann", NOON)
    assert len(store.notifiers()) == 2
