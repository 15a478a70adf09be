"""What became of the market after the record of positions ended, read from a tape."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import numpy as np

from exit_pipeline.core.model.contract import OptionContract, parse_contract
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.instant import MICROSECOND, to_datetime, to_micros
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.model.session import Session
from exit_pipeline.core.replay.longer_paths import later_book
from exit_pipeline.core.replay.paths import RowIndex
from exit_pipeline.ports import Calendar, Tape
from exit_pipeline.services.assemble_book import quote_columns
from exit_pipeline.services.last_close import last_trading_close
from exit_pipeline.services.recorded_paths import LaterRows, RecordedPaths

_NAMED: Final = 3
"""Names in a note; of further ones it tells how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A position that is still held where its record ends.

    Attributes:
        path: Its path.
        last: Its last recorded row.
        contract: What is held.
        since: Time of the last recorded row.
        close: The close of the contract's last session; the last time at which it is quoted.
        entry: The date of the entry in the exchange's time; None where not known.
    """

    path: int
    last: int
    contract: OptionContract
    since: datetime
    close: datetime
    entry: date | None

    @property
    def underlying(self) -> str:
        """What the contract is written on."""
        return self.contract.underlying


class TapeRows:
    """Reads rows from a tape, and remembers what the tape lacks.

    Args:
        tape: The tape.
        calendar: Its sessions' ticks are the times of the rows, as of the schedule.
    """

    def __init__(self, tape: Tape, calendar: Calendar) -> None:
        self._tape, self._calendar = tape, calendar
        self._days = tuple(tape.days())
        self._missing: Counter[date] = Counter()
        self._unquoted: Counter[str] = Counter()
        self._unnamed: list[str] = []
        self._rows = self._paths = 0

    def notes(self) -> list[str]:
        """What came of the tape and what it lacked, a sentence each."""
        found = []
        if self._rows:
            found.append(
                f"Beyond the record, {_count(self._rows, 'tick')} on "
                f"{_count(self._paths, 'position')} come from the tape. Context and Greeks are not "
                "known there: rules that need them are not evaluable."
            )
        found += [
            f"The tape has no day {day}, on which {_count(held, 'position')} "
            f"{'was' if held == 1 else 'were'} still held: nothing is decided there."
            for day, held in sorted(self._missing.items())
        ]
        if self._unquoted:
            found.append(
                f"The tape has no quote of {_some(sorted(self._unquoted))} at "
                f"{self._unquoted.total():,} ticks: nothing is decided there."
            )
        if self._unnamed:
            found.append(
                f"The contract of {_some(self._unnamed)} is not known, so that no tape can go on "
                "with it."
            )
        return found

    def after(self, recorded: RecordedPaths, paths: RowIndex) -> LaterRows | None:
        """The rows that follow on some paths, up to the contracts' last close or the tape's end.

        Args:
            recorded: The paths.
            paths: Those that are asked for.

        Returns:
            None where the tape has nothing of them.
        """
        held = [one for path in paths.tolist() if (one := self._held(recorded, path)) is not None]
        parts = [
            part
            for session in self._sessions(held)
            for at in (*session.ticks(), session.closes_at)
            if (part := self._at(held, session, at)) is not None
        ]
        if not parts:
            return None
        last = np.concatenate([rows for rows, _, _ in parts])
        path = np.concatenate([which for _, which, _ in parts])
        seen = {
            name: np.concatenate([columns[name] for _, _, columns in parts]) for name in parts[0][2]
        }
        book = later_book(recorded.paths.book.take(last), **seen)
        order = np.argsort(path, kind="stable")
        self._rows, self._paths = self._rows + len(path), self._paths + len(np.unique(path))
        return LaterRows(book=book.take(order), path=path[order])

    def _held(self, recorded: RecordedPaths, path: int) -> _Held | None:
        """A position with its contract; None where that is not known or no longer trades."""
        tracked, book = recorded.tracked[path], recorded.paths.book
        try:
            contract = parse_contract(tracked.symbol or "")
        except InputError:
            self._unnamed.append(tracked.id)
            return None
        close, zone = last_trading_close(contract, self._calendar), self._calendar.zone
        last = int(recorded.paths.ends[path] - 1)
        since, entry = (
            to_datetime(int(times[last])) for times in (book.decided_at, book.entry_time)
        )
        if close is None or since is None or since >= close:
            return None
        entered = entry.astimezone(zone).date() if entry else None
        return _Held(
            path=path, last=last, contract=contract, since=since, close=close, entry=entered
        )  # fmt: skip

    def _sessions(self, held: Sequence[_Held]) -> Iterator[Session]:
        """The sessions that the tape has; those that it lacks up to its end are remembered."""
        if not held or not self._days:
            return
        zone = self._calendar.zone
        first = min(one.since for one in held).astimezone(zone).date()
        last = min(max(one.close for one in held).astimezone(zone).date(), self._days[-1])
        for number in range(first.toordinal(), last.toordinal() + 1):
            session = self._calendar.session(date.fromordinal(number))
            if session is None:
                continue
            if session.day in self._days:
                yield session
                continue
            concerned = sum(one.since < session.closes_at <= one.close for one in held)
            if concerned:
                self._missing[session.day] += concerned

    def _at(
        self, held: Sequence[_Held], session: Session, at: datetime
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]] | None:
        """Last recorded rows, paths and what is seen of them at one tick; None without any."""
        # At a session's close nothing is decided: only whether the contract has ended then is told.
        there = [
            one
            for one in held
            if one.since < at <= one.close and (at < session.closes_at or at == one.close)
        ]
        if not there:
            return None
        symbols = sorted({one.contract.symbol for one in there})
        market = self._tape.snapshot(symbols, sorted({one.underlying for one in there}), at)
        self._unquoted.update(
            one.contract.symbol for one in there if one.contract.symbol not in market.quotes
        )
        there = [one for one in there if one.contract.symbol in market.quotes]
        if not there:
            return None
        here, rows = at.astimezone(self._calendar.zone), len(there)
        seen = {
            "decided_at": np.full(rows, to_micros(at)),
            "session_close": np.full(rows, to_micros(session.closes_at)),
            "feed_age_limit": np.full(rows, market.feed_age_limit // MICROSECOND),
            "clock_minutes": np.full(rows, 60 * here.hour + here.minute),
            "days_to_expiration": np.array(
                [(one.contract.expiration - here.date()).days for one in there]
            ),
            "days_in_trade": np.array(
                [(here.date() - one.entry).days if one.entry else UNKNOWN for one in there]
            ),
            **quote_columns(there, market),
        }
        last = np.array([one.last for one in there], np.intp)
        return last, np.array([one.path for one in there], np.intp), seen


def _some(names: Sequence[str]) -> str:
    further = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {further:,} more" if further > 0 else "")


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
