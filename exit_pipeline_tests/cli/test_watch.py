"""The live view: one frame for scripts, and many until a person leaves."""

import os
import pty
import select
import signal
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from exit_pipeline.cli.keys import CTRL_C, pressed_keys
from exit_pipeline.cli.watch import Watching, follow
from exit_pipeline.cli.watch_view import Frame
from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline_tests.desk import CALL, MORNING, Desk
from exit_pipeline_tests.fakes import FixedClock

Run = Callable[..., Any]
Refusal = Callable[..., str]


class Reader:
    """Counts its readings, and fails where it is told to."""

    def __init__(self) -> None:
        self.read = 0
        self.is_down = False

    def __call__(self) -> Any:
        self.read += 1
        if self.is_down:
            message = "The database did not answer: gone."
            raise UnavailableError(message)
        return f"seen {self.read}"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(MORNING)


@pytest.fixture
def reader() -> Reader:
    return Reader()


def watching(reader: Reader, clock: FixedClock, every: int = 5) -> Watching:
    return Watching(
        look=reader,
        next_tick=lambda at: at + timedelta(minutes=5),
        clock=clock,
        every=timedelta(seconds=every),
    )


def frames(
    watching: Watching, clock: FixedClock, keys: list[Any], meanwhile: Callable[[int], None]
) -> list[Frame]:
    """The frames of some seconds, at the end of each of which a key is pressed or none."""
    shown: list[Frame] = []

    def pressed(seconds: float) -> str:
        assert seconds == 1.0
        clock.advance(timedelta(seconds=seconds))
        meanwhile(len(shown))
        key = keys.pop(0)
        if isinstance(key, BaseException):
            raise key
        return str(key)

    follow(watching, shown.append, pressed)
    assert keys == []
    return shown


def nothing(second: int) -> None:
    assert second


@pytest.mark.parametrize(
    "last", ["q", "Q", "\x1b", KeyboardInterrupt()], ids=["q", "Q", "escape", "Ctrl-C"]
)
def test_it_leaves_by_a_key_and_by_nothing_else(
    reader: Reader, clock: FixedClock, last: Any
) -> None:
    shown = frames(watching(reader, clock), clock, ["", "x", "", last], nothing)
    assert len(shown) == 4


def test_it_redraws_each_second_and_reads_only_when_it_is_time(
    reader: Reader, clock: FixedClock
) -> None:
    shown = frames(watching(reader, clock), clock, [""] * 10 + ["q"], nothing)
    assert [one.at for one in shown] == [MORNING + timedelta(seconds=n) for n in range(11)]
    assert [one.seen for one in shown] == ["seen 1"] * 5 + ["seen 2"] * 5 + ["seen 3"]
    assert shown[3].next_tick_at == MORNING + timedelta(seconds=3, minutes=5)


def test_a_database_that_goes_away_is_told_and_asked_again_until_it_comes_back(
    reader: Reader, clock: FixedClock
) -> None:
    def meanwhile(second: int) -> None:
        reader.is_down = 2 <= second < 5

    shown = frames(watching(reader, clock, every=2), clock, [""] * 7 + ["q"], meanwhile)
    said = "The database did not answer: gone. Trying again every 2 s."
    assert [one.trouble for one in shown] == ["", "", said, said, said, said, "", ""]
    # What was seen last stays.
    assert [one.seen for one in shown] == ["seen 1"] * 6 + ["seen 4"] * 2


def test_a_database_that_is_down_from_the_start_is_asked_again(
    reader: Reader, clock: FixedClock
) -> None:
    reader.is_down = True

    def meanwhile(second: int) -> None:
        reader.is_down = second < 2

    shown = frames(watching(reader, clock, every=1), clock, ["", "", "", "q"], meanwhile)
    assert [one.seen for one in shown] == [None, None, "seen 3", "seen 4"]


def test_once_prints_one_frame(run: Run, database_url: str) -> None:
    desk = Desk(database_url)
    desk.hold("a")
    desk.quote(CALL, "2.40", "2.42")
    desk.tick()
    shown = run("watch", "--once").stdout
    assert "trading is ACTIVE" in shown
    assert "paper/desk: 1 open, last tick 2026-03-17 10:00" in shown
    assert "PROFIT_TARGET" in shown
    assert "next tick" in shown


def test_once_fails_where_the_database_does_not_answer(
    refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    assert "on 127.0.0.1:1 did not accept the connection" in refusal("watch", "--once")


def test_without_a_terminal_it_says_what_to_do(refusal: Refusal) -> None:
    assert refusal("watch") == (
        "watch needs a terminal; for one frame anywhere else: exit-pipeline watch --once"
    )


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A terminal that is this process's standard input; its other end, to press keys at."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield ours
    os.close(ours)


def test_a_key_is_read_without_return_and_the_terminal_is_as_before(terminal: int) -> None:
    before = termios.tcgetattr(sys.stdin.fileno())
    with pressed_keys() as pressed:
        assert pressed(0) == ""
        os.write(terminal, b"q")
        assert pressed(60) == "q"
    assert termios.tcgetattr(sys.stdin.fileno()) == before


@pytest.mark.usefixtures("terminal")
def test_an_interrupt_that_was_swallowed_is_the_next_key() -> None:
    with pressed_keys() as pressed:
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert pressed(60) == CTRL_C


@pytest.mark.usefixtures("terminal")
def test_an_interrupt_counts_although_the_process_was_begun_without_any() -> None:
    """Begun in a shell's background the view could not be left by Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(KeyboardInterrupt), pressed_keys():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("key", [b"q", b"\x03"], ids=["q", "Ctrl-C"])
def test_the_whole_program_leaves_a_terminal_without_a_traceback(
    database_url: str, tmp_path: Path, key: bytes
) -> None:
    program = Path(sys.executable).with_name("exit-pipeline")
    child, terminal = pty.fork()
    if child == 0:
        os.environ |= {"DATABASE_URL": database_url, "TERM": "xterm", "COLUMNS": "80"}
        os.chdir(tmp_path)
        os.execv(program, [str(program), "watch"])  # noqa: S606 our own
    shown = _until(terminal, b"trading is ACTIVE")
    os.write(terminal, key)
    shown += _until(terminal, None)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert b"Traceback" not in shown
    # Back from the other screen, with the cursor shown.
    assert b"\x1b[?1049l" in shown
    assert b"\x1b[?25h" in shown


_FRAMES = 300


def _until(terminal: int, words: bytes | None) -> bytes:
    """What a terminal shows until these words, or until its program has ended."""
    shown = b""
    for _ in range(_FRAMES):
        if words is not None and words in shown:
            return shown
        ready, _, _ = select.select([terminal], [], [], 60)
        assert ready, shown[-2_000:]
        try:
            more = os.read(terminal, 65_536)
        except OSError:  # how Linux says that nobody has the other end any more
            more = b""
        if not more:
            assert words is None, shown[-2_000:]
            return shown
        shown += more
    pytest.fail(f"it goes on and on: {shown[-2_000:]!r}")
