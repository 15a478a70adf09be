"""Telling people: each alert once through each notifier, whatever fails; twice after a crash."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from exit_pipeline.adapters.clients.postgres_engine import make_engine
from exit_pipeline.adapters.database.postgres.database import PostgresDatabase
from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError
from exit_pipeline.core.model.notice import Notice, NoticePace
from exit_pipeline.core.model.record import Alert
from exit_pipeline.ports import NoticeRefusedError, Notifier
from exit_pipeline.services.notify import BUDGET, FAILING_AFTER, Telling, notify
from exit_pipeline_tests.between import Between
from exit_pipeline_tests.fakes import FixedClock
from exit_pipeline_tests.notices import TEN

PACE = NoticePace()
MINUTE = timedelta(minutes=1)


class Way:
    """A notifier that keeps what it took, and fails as it is told to.

    Attributes:
        took: The messages.
        asked: How many it was asked to send.
        fails: What is raised for a message; None takes it.
    """

    def __init__(self, name: str = "way") -> None:
        self.name = name
        self.took: list[Notice] = []
        self.asked = 0
        self.fails: Callable[[Notice], Exception | None] = lambda _: None
        self.meanwhile: Callable[[], object] = lambda: None

    def send(self, notice: Notice) -> None:
        self.asked += 1
        self.meanwhile()
        if error := self.fails(notice):
            raise error
        self.took.append(notice)

    @property
    def told(self) -> list[tuple[str, list[str]]]:
        """Cause and subjects of each message."""
        return [(one.cause, [alert.subject for alert in one.alerts]) for one in self.took]


@pytest.fixture
def database(database_url: str) -> Iterator[PostgresDatabase]:
    engine = make_engine(database_url)
    yield PostgresDatabase(engine)
    engine.dispose()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(TEN)


@pytest.fixture
def way() -> Way:
    return Way()


Tell = Callable[..., list[Telling]]


@pytest.fixture
def tell(database: PostgresDatabase, clock: FixedClock) -> Tell:
    def evaluate(*ways: Notifier, on: object = database) -> list[Telling]:
        return notify(ways, database=on, clock=clock, pace=PACE)  # type: ignore[arg-type]

    return evaluate


def alarm(
    database: PostgresDatabase, *subjects: str, cause: str = "X", severity: str = "CRITICAL"
) -> None:
    database.runs.raise_alerts(
        [Alert(severity=severity, cause=cause, subject=one, message="m.") for one in subjects]
    )


def acknowledge(database: PostgresDatabase) -> None:
    known = database.runs.alerts(only_open=True)
    database.runs.acknowledge([one.id for one in known], "ann", TEN)


def test_one_message_for_a_cause_and_none_at_the_next_evaluation(
    database: PostgresDatabase, tell: Tell, way: Way, clock: FixedClock
) -> None:
    alarm(database, "a", "b")
    assert [one.sentence for one in tell(way)] == ["way: 1 messages sent"]
    clock.advance(MINUTE)
    assert [one.sentence for one in tell(way)] == ["way: 0 messages sent"]
    assert way.told == [("X", ["a", "b"])]


def test_a_critical_cause_is_told_every_quarter_of_an_hour_until_it_is_acknowledged(
    database: PostgresDatabase, tell: Tell, way: Way, clock: FixedClock
) -> None:
    alarm(database, "a")
    alarm(database, "b", cause="Y", severity="WARNING")
    for _ in range(60):
        tell(way)
        clock.advance(MINUTE)
    assert [cause for cause, _ in way.told] == ["X", "Y", "X", "X", "X"]
    assert [one.repeats for one in way.took if one.cause == "X"] == [0, 1, 2, 3]
    acknowledge(database)
    clock.advance(60 * MINUTE)
    tell(way)
    assert len(way.took) == 5


def test_a_cause_that_comes_again_and_again_is_counted_and_told_together(
    database: PostgresDatabase, tell: Tell, way: Way, clock: FixedClock
) -> None:
    for number in range(30):
        alarm(database, f"p{number:02}", severity="WARNING")
        tell(way)
        clock.advance(MINUTE)
    assert [len(one.alerts) for one in way.took] == [1, 15]
    tell(way)
    assert [len(one.alerts) for one in way.took] == [1, 15, 14]


def test_each_notifier_is_told_for_itself(database: PostgresDatabase, tell: Tell) -> None:
    first, second = Way("first"), Way("second")
    alarm(database, "a")
    tell(first)
    tell(first, second)
    assert (len(first.took), len(second.took)) == (1, 1)


@pytest.mark.parametrize(
    "error",
    [
        UnavailableError("no answer"),
        ConfigurationError("wrong"),
        NoticeRefusedError("refused"),
        KeyError("canary"),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_the_failure_of_one_notifier_is_nothing_to_the_next_and_loses_no_alert(
    database: PostgresDatabase, tell: Tell, clock: FixedClock, error: Exception
) -> None:
    broken, other = Way("broken"), Way("other")
    broken.fails = lambda _: error
    alarm(database, "a")
    found = tell(broken, other)
    assert [(one.sent, one.failed) for one in found] == [(0, 1), (1, 0)]
    broken.fails = lambda _: None
    clock.advance(MINUTE)
    tell(broken, other)
    assert (len(broken.took), len(other.took)) == (1, 1)


def test_an_error_that_nobody_expected_is_told_by_its_class_alone(
    database: PostgresDatabase, tell: Tell, way: Way, caplog: pytest.LogCaptureFixture
) -> None:
    way.fails = lambda _: KeyError("https://hooks.example.com/canary")
    alarm(database, "a")
    (found,) = tell(way)
    assert found.error == "an unexpected KeyError; the log has more"
    assert "canary" not in caplog.text
    assert "in send" in caplog.text


def test_a_failed_message_is_tried_again_later_and_later(
    database: PostgresDatabase, tell: Tell, way: Way, clock: FixedClock
) -> None:
    way.fails = lambda _: UnavailableError("no answer")
    alarm(database, "a")
    tried = []
    for seconds in range(0, 1_201, 30):
        before = way.asked
        tell(way)
        if way.asked > before:
            tried.append(seconds)
        clock.advance(timedelta(seconds=30))
    assert tried == [0, 30, 90, 210, 450, 750, 1_050]


def test_where_nothing_can_be_sent_the_rest_is_not_tried(
    database: PostgresDatabase, tell: Tell, way: Way
) -> None:
    way.fails = lambda _: UnavailableError("no answer")
    for cause in "UVWXYZ":
        alarm(database, "a", cause=cause)
    (found,) = tell(way)
    assert (way.asked, found.sent, found.failed) == (1, 0, 6)


def test_a_message_that_is_refused_keeps_no_other_from_being_sent(
    database: PostgresDatabase, tell: Tell, way: Way
) -> None:
    way.fails = lambda notice: NoticeRefusedError("too odd") if notice.cause == "X" else None
    for cause in "WXY":
        alarm(database, "a", cause=cause)
    (found,) = tell(way)
    assert (found.sent, found.failed) == (2, 1)
    assert [cause for cause, _ in way.told] == ["W", "Y"]


class KilledError(BaseException):
    """What ends the process in the middle."""


def test_a_process_that_ends_between_sending_and_noting_sends_it_once_more_under_the_same_id(
    database: PostgresDatabase, tell: Tell, way: Way
) -> None:
    """That is the one case in which a message comes twice; none is ever lost."""

    def dies(*_: object) -> None:
        raise KilledError

    alarm(database, "a")
    store = Between(database.notifications, record_sent=dies)
    with pytest.raises(KilledError):
        tell(way, on=Between(database, notifications=store))
    tell(way)
    tell(way)
    first, second = way.took
    assert first.id == second.id


def test_a_process_that_ends_before_sending_loses_nothing(
    database: PostgresDatabase, tell: Tell, way: Way
) -> None:
    def dies() -> None:
        raise KilledError

    way.meanwhile = dies
    alarm(database, "a")
    with pytest.raises(KilledError):
        tell(way)
    way.meanwhile = lambda: None
    tell(way)
    assert way.told == [("X", ["a"])]


def test_an_evaluation_that_overlaps_another_sends_nothing_twice(
    database: PostgresDatabase, tell: Tell, way: Way
) -> None:
    overlapping: list[Telling] = []
    way.meanwhile = lambda: overlapping.extend(tell(way)) if not overlapping else None
    alarm(database, "a")
    tell(way)
    assert [one.sentence for one in overlapping] == ["way: another process tells through it"]
    assert way.told == [("X", ["a"])]


def test_a_database_that_fails_is_no_fault_of_the_notifier(
    database: PostgresDatabase, tell: Tell, way: Way
) -> None:
    def fails(*_: object) -> None:
        message = "The database did not answer"
        raise UnavailableError(message)

    alarm(database, "a")
    store = Between(database.notifications, record_sent=fails)
    with pytest.raises(UnavailableError, match="The database did not answer"):
        tell(way, on=Between(database, notifications=store))
    assert database.notifications.notifiers() == []


def test_a_database_that_takes_no_note_floods_nobody_and_leaves_nobody_out(
    database: PostgresDatabase, tell: Tell, clock: FixedClock
) -> None:
    """Regression: on a standby, which is read and not written, the first notifier was told every 30
    seconds for ever, and the ones after it never: the log, while the pager stood still."""

    def fails(*_: object) -> None:
        message = "The database did not answer: cannot execute INSERT"
        raise UnavailableError(message)

    alarm(database, "a")
    alarm(database, "b", cause="Y")
    first, second = Way("first"), Way("second")
    store = Between(database.notifications, record_sent=fails, record_failed=fails)
    for _ in range(60):
        with pytest.raises(UnavailableError, match="cannot execute INSERT"):
            tell(first, second, on=Between(database, notifications=store))
        clock.advance(MINUTE / 2)
    assert first.told == second.told == [("X", ["a"]), ("Y", ["b"])] * 2
    assert [one.sentence for one in tell(first, second)] == [
        "first: 2 messages sent", "second: 2 messages sent",
    ]  # fmt: skip
    assert {one.attempts for one in database.notifications.notifiers()} == {0}


def test_what_was_told_and_not_noted_is_noted_as_soon_as_that_can_be(
    database: PostgresDatabase, tell: Tell, way: Way, clock: FixedClock
) -> None:
    def fails(*_: object) -> None:
        message = "The database did not answer"
        raise UnavailableError(message)

    alarm(database, "a")
    store = Between(database.notifications, record_sent=fails)
    with pytest.raises(UnavailableError):
        tell(way, on=Between(database, notifications=store))
    clock.advance(MINUTE / 2)
    assert [one.sentence for one in tell(way)] == ["way: 0 messages sent"]
    assert len(way.took) == len(database.notifications.notifiers()) == 1


def test_a_notifier_that_keeps_failing_is_an_alert_that_the_others_tell(
    database: PostgresDatabase, tell: Tell, clock: FixedClock
) -> None:
    broken, other = Way("broken"), Way("other")
    broken.fails = lambda _: UnavailableError("no answer")
    alarm(database, "a", severity="WARNING")
    for _ in range(FAILING_AFTER):
        assert "NOTIFIER_FAILING" not in dict(other.told)
        tell(broken, other)
        clock.advance(10 * MINUTE)
    assert other.told == [("X", ["a"]), ("NOTIFIER_FAILING", ["broken"])]
    (text,) = (one.message for one in other.took[-1].alerts)
    assert text == "alerts can't be told by broken, after 3 attempts: no answer"


def test_a_failing_notifier_never_tells_of_itself(
    database: PostgresDatabase, tell: Tell, clock: FixedClock
) -> None:
    """Its own failing would be one more message that fails, and so on."""
    broken = Way("broken")
    broken.fails = lambda _: UnavailableError("no answer")
    alarm(database, "a")
    for _ in range(20):
        tell(broken)
        clock.advance(10 * MINUTE)
    causes = [one.cause for one in database.runs.alerts(only_open=False)]
    assert sorted(causes) == ["NOTIFIER_FAILING", "X"]
    broken.fails = lambda _: None
    tell(broken)
    assert broken.told == [("X", ["a"])]


def test_two_that_fail_leave_two_alerts_however_long_they_fail(
    database: PostgresDatabase, tell: Tell, clock: FixedClock
) -> None:
    ways = [Way("first"), Way("second")]
    for one in ways:
        one.fails = lambda _: UnavailableError("no answer")
    alarm(database, "a")
    for _ in range(20):
        tell(*ways)
        clock.advance(10 * MINUTE)
    assert len(database.runs.alerts(only_open=False)) == 3


def test_a_slow_notifier_leaves_the_rest_to_the_next_evaluation(
    database: PostgresDatabase, tell: Tell, way: Way, clock: FixedClock
) -> None:
    """Dagster ends a sensor after a minute, and what was sent then would not be noted."""
    way.meanwhile = lambda: clock.advance(BUDGET / 2)
    for cause in "UVWXYZ":
        alarm(database, "a", cause=cause)
    assert tell(way)[0].sent == 2
    assert tell(way)[0].sent == 2
    assert tell(way)[0].sent == 2
    assert [cause for cause, _ in way.told] == list("UVWXYZ")
