"""The sensor from an alert's cause to the person: each cause of the list, on a real instance."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from exit_pipeline.adapters.notifiers import slack, webhook
from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.errors import ExitPipelineError, UnavailableError
from exit_pipeline.defs.alert_sensor import SECONDS, alert_sensor
from exit_pipeline.defs.launch import run_exit_job
from exit_pipeline.defs.notifiers import make_notifying
from exit_pipeline_tests.between import Between, is_silent, loses_answer, shows_none
from exit_pipeline_tests.desk import CALL, MORNING, TUESDAY, Desk, alerts
from exit_pipeline_tests.fakes import new_york
from exit_pipeline_tests.receivers import HttpReceiver, http_receiver

# Dagster, making resources, calls what it has itself deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dagster")


@pytest.fixture
def desk(database_url: str) -> Desk:
    return Desk(database_url)


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with http_receiver() as made:
        yield made


class Watchman:
    """Evaluates the sensor as the daemon does: with its cursor, and with time passing in between.

    Args:
        desk: What is watched.
        on: Keeps the runs.
        environ: How notifiers are set up.
    """

    def __init__(self, desk: Desk, on: dg.DagsterInstance, environ: dict[str, str]) -> None:
        self._desk = desk
        self._on = on
        self._environ = environ
        self.cursor: str | None = None

    def look(self) -> str:
        """One evaluation; what it says of itself."""
        parts = {
            "database": self._desk.database,
            "calendar": self._desk.calendar,
            "clock": self._desk.clock,
            "notifying": make_notifying(self._environ),
        }
        with dg.build_sensor_context(
            instance=self._on, cursor=self.cursor, resources=parts
        ) as context:
            answer = alert_sensor.evaluate_tick(context)
        self.cursor = answer.cursor
        assert answer.run_requests == []
        assert answer.skip_message
        return answer.skip_message

    def tick(self, config: dict[str, Any] | None = None) -> None:
        """One run of the job on the same instance."""
        run_exit_job(config or {}, self._desk.resources, self._on)


@pytest.fixture
def watchman(desk: Desk, instance: dg.DagsterInstance, receiver: HttpReceiver) -> Watchman:
    return Watchman(desk, instance, {"EXIT_NOTIFY": "log,webhook", webhook.SETTING: receiver.url()})


def told(receiver: HttpReceiver) -> list[tuple[str, str, list[str]]]:
    """Severity, cause and subjects of each message that has arrived."""
    return [
        (body["severity"], body["cause"], [one["subject"] for one in body["alerts"]])
        for body in receiver.bodies
    ]


def test_it_runs_by_itself_and_says_what_it_is_for() -> None:
    assert alert_sensor.name == "alert_sensor"
    assert alert_sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert alert_sensor.minimum_interval_seconds == SECONDS
    assert "Tells people of alerts" in str(alert_sensor.description)


def test_with_nothing_to_tell_it_says_so(watchman: Watchman) -> None:
    assert watchman.look() == "0 alerts raised; log: 0 messages sent; webhook: 0 messages sent"


def a_due_exit(desk: Desk) -> None:
    desk.hold("a")
    desk.quote(CALL, "3.15", "3.25")


def unknown_order(desk: Desk, watchman: Watchman) -> None:
    a_due_exit(desk)
    desk.broker = Between(
        desk.broker, submit=loses_answer, find_order=is_silent, working_orders=shows_none
    )
    watchman.tick()


def escalated_exit(desk: Desk, watchman: Watchman) -> None:
    """It is repriced tick after tick, and nobody takes it."""
    a_due_exit(desk)
    desk.stand_apart()
    for _ in range(12):
        desk.quote(CALL, "3.15", "3.25")
        desk.trade(CALL, "0.05", "9.00")
        watchman.tick()
        desk.later()
        if ("EXIT_ESCALATED", "a") in alerts(desk):
            return


def refused_data(desk: Desk, watchman: Watchman) -> None:
    desk.hold("a")
    for _ in range(3):
        desk.quote(CALL, "2.10", "2.00")
        watchman.tick()
        desk.later()


def drift(desk: Desk, watchman: Watchman) -> None:
    """The broker holds one contract where our books have two."""
    desk.hold("a", quantity=2)
    desk.quote(CALL, "2.00", "2.10")
    watchman.tick()
    desk.rows_changed("UPDATE paper.positions SET quantity = 1")
    desk.later()
    desk.quote(CALL, "2.00", "2.10")
    watchman.tick()


def halt(desk: Desk, watchman: Watchman) -> None:  # noqa: ARG001 no tick is needed
    desk.database.control.halt("odd fills")


def halt_by_a_person(desk: Desk, watchman: Watchman) -> None:  # noqa: ARG001 no tick is needed
    desk.database.control.move(TradingState.HALT_NEW, "odd fills", "ann")


def tick_gap(desk: Desk, watchman: Watchman) -> None:
    desk.hold("a")
    desk.quote(CALL, "2.00", "2.10")
    watchman.tick()
    desk.later(11)


def expiring(desk: Desk, watchman: Watchman) -> None:
    """Its exit is due and nobody takes it."""
    today = "ACME260317C00100000"
    desk.hold("a", today)
    desk.stand_apart()
    desk.at(new_york(TUESDAY, 15, 29))
    desk.quote(today, "2.00", "2.10")
    desk.trade(today, "0.05", "9.00")
    watchman.tick()
    desk.later(1)


def failed_run(desk: Desk, watchman: Watchman) -> None:
    a_due_exit(desk)
    desk.database.control.read()
    whole = desk.database
    desk.database = Between(whole, decisions=Between(whole.decisions, record=_breaks))
    with pytest.raises(ExitPipelineError):
        watchman.tick()
    desk.database = whole


def _breaks(*_: Any) -> None:
    message = "canary"
    raise ValueError(message)


CAUSES = [
    pytest.param(failed_run, ("WARNING", "RUN_FAILED", ["exit_job"]), id="run failure"),
    pytest.param(tick_gap, ("CRITICAL", "TICK_GAP", ["paper/desk"]), id="tick gap in the session"),
    pytest.param(unknown_order, ("WARNING", "ORDER_UNKNOWN", ["a"]), id="unknown order"),
    pytest.param(escalated_exit, ("CRITICAL", "EXIT_ESCALATED", ["a"]), id="escalated exit"),
    pytest.param(refused_data, ("WARNING", "QUOTES_REFUSED", ["a"]), id="refused data for N ticks"),
    pytest.param(
        drift, ("CRITICAL", "HELD_DIFFERS", [f"desk {CALL}"]), id="books and broker differ"
    ),
    pytest.param(halt, ("CRITICAL", "HALTED", ["trading"]), id="halt by an anomaly"),
    pytest.param(halt_by_a_person, ("WARNING", "HALTED", ["trading"]), id="halt by a person"),
    pytest.param(expiring, ("CRITICAL", "EXPIRING_OPEN", ["a"]), id="expiring position not closed"),
]


@pytest.mark.parametrize(("happens", "message"), CAUSES)
def test_each_cause_is_an_alert_that_a_person_is_told(
    desk: Desk,
    watchman: Watchman,
    receiver: HttpReceiver,
    happens: Callable[[Desk, Watchman], None],
    message: tuple[str, str, list[str]],
) -> None:
    happens(desk, watchman)
    watchman.look()
    assert message in told(receiver)
    count = len(receiver.posted)
    watchman.look()
    assert len(receiver.posted) == count


def test_a_failed_run_tells_nothing_that_may_be_secret(
    desk: Desk, watchman: Watchman, receiver: HttpReceiver
) -> None:
    failed_run(desk, watchman)
    watchman.look()
    (text,) = (one["message"] for body in receiver.bodies for one in body["alerts"])
    assert text.endswith("failed: an unexpected ValueError; its event log says more")


STUCK = [
    pytest.param({"submit": is_silent}, id="takes no order and says nothing"),
    pytest.param({"submit": loses_answer}, id="loses its answer"),
    pytest.param(dict.fromkeys(("submit", "find_order", "cancel"), is_silent), id="hangs"),
    pytest.param(
        dict.fromkeys(
            ("submit", "find_order", "cancel", "positions", "working_orders", "settlements"),
            is_silent,
        ),
        id="answers nothing at all",
    ),
]


@pytest.mark.parametrize("does", STUCK)
def test_a_stuck_broker_is_an_alert_within_the_same_tick_and_told_at_the_next_look(
    desk: Desk, watchman: Watchman, receiver: HttpReceiver, does: dict[str, Any]
) -> None:
    """An exit is due, and what becomes of its order is not known."""
    a_due_exit(desk)
    whole = desk.broker
    if "find_order" not in does:
        does = does | {"find_order": is_silent, "working_orders": shows_none}
    desk.broker = Between(whole, **does)
    watchman.tick()
    raised = alerts(desk)
    assert raised & {("ORDER_UNKNOWN", "a"), ("EXIT_BLOCKED", "a"), ("NOT_RECONCILED", "orders")}
    desk.clock.advance(timedelta(seconds=SECONDS))
    watchman.look()
    assert {cause for _, cause, _ in told(receiver)} == {cause for cause, _ in raised}


def test_an_order_that_stays_in_doubt_is_told_again_as_critical(
    desk: Desk, watchman: Watchman, receiver: HttpReceiver
) -> None:
    """It was one WARNING for ever: what the next tick raised was dropped, the first being open."""
    unknown_order(desk, watchman)
    watchman.look()
    desk.broker = Between(desk.broker, find_order=lambda *_: None)
    desk.later()
    desk.quote(CALL, "3.15", "3.25")
    watchman.tick()
    watchman.look()
    unknown = [one for one in told(receiver) if one[1] == "ORDER_UNKNOWN"]
    assert unknown == [("WARNING", "ORDER_UNKNOWN", ["a"]), ("CRITICAL", "ORDER_UNKNOWN", ["a"])]


def test_a_critical_alert_is_told_again_until_it_is_acknowledged(
    desk: Desk, watchman: Watchman, receiver: HttpReceiver
) -> None:
    desk.database.control.halt("odd fills")
    for _ in range(4):
        watchman.look()
        desk.later(10)
    assert [body["repeats"] for body in receiver.bodies] == [0, 1]
    known = desk.database.runs.alerts(only_open=True)
    desk.database.runs.acknowledge([one.id for one in known], "ann", MORNING)
    desk.later(60)
    watchman.look()
    assert len(receiver.bodies) == 2


def test_where_one_notifier_is_down_the_other_tells_and_of_that_too(
    desk: Desk, instance: dg.DagsterInstance, receiver: HttpReceiver
) -> None:
    with http_receiver() as broken:
        broken.status = 503
        environ = {
            "EXIT_NOTIFY": "slack,webhook",
            slack.SETTING: broken.url(),
            webhook.SETTING: receiver.url(),
        }
        watchman = Watchman(desk, instance, environ)
        desk.database.control.halt("odd fills")
        for _ in range(3):
            said = watchman.look()
            desk.later(5)
        assert "slack: 0 messages sent, 1 failed: 127.0.0.1 answered with status 503" in said
        assert ("CRITICAL", "NOTIFIER_FAILING", ["slack"]) in told(receiver)
        broken.status = 200
        watchman.look()
        assert "HALTED" in str(broken.bodies[-1]["text"])


def test_settings_that_cant_be_read_are_an_alert_in_the_log(
    desk: Desk, instance: dg.DagsterInstance, caplog: pytest.LogCaptureFixture
) -> None:
    watchman = Watchman(desk, instance, {"EXIT_NOTIFY_REPEAT_MINUTES": "often"})
    watchman.look()
    watchman.look()
    lines = [line for line in caplog.messages if "NOTIFIER_FAILING" in line]
    assert len(lines) == 1
    assert "EXIT_NOTIFY_REPEAT_MINUTES is 'often'; expected" in lines[0]


def test_where_looking_for_more_fails_what_is_open_is_told(
    desk: Desk, watchman: Watchman, receiver: HttpReceiver
) -> None:
    desk.database.control.halt("odd fills")

    class Broken:
        zone = desk.calendar.zone

        def why_closed(self, *_: Any) -> str | None:
            message = "no calendar"
            raise ValueError(message)

    desk.calendar = Broken()  # type: ignore[assignment]
    with pytest.raises((UnavailableError, ValueError)):
        watchman.look()
    assert told(receiver) == [("CRITICAL", "HALTED", ["trading"])]


def test_a_failed_run_that_could_not_be_noted_is_found_by_the_next_look(
    desk: Desk, watchman: Watchman, receiver: HttpReceiver
) -> None:
    failed_run(desk, watchman)
    whole = desk.database
    desk.database = Between(whole, runs=Between(whole.runs, raise_alerts=is_silent))
    with pytest.raises((UnavailableError, ValueError)):
        watchman.look()
    desk.database = whole
    watchman.look()
    assert ("WARNING", "RUN_FAILED", ["exit_job"]) in told(receiver)
