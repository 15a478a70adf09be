"""Named points of a tick, before and after each commit and each broker call, made from outside.

A point is named ``<part>.<method>.<side>``: the store or the broker, its method, and where in it.
Stores and the broker are wrapped, the pool's commits and httpx's transport are watched.
"""

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, Final

import httpx
from sqlalchemy import Engine

WRITES: Final = (
    "runs.open", "runs.log_calls", "runs.raise_alerts", "runs.close", "decisions.keep_policies",
    "decisions.record", "context.keep_levels", "signals.record_context", "positions.see_gaps",
    "positions.close_elsewhere", "positions.settle", "positions.refresh", "orders.record_intent",
    "orders.sending", "orders.begin_cancel", "orders.record_missed", "orders.give_up",
    "orders.mark_status", "orders.book", "exit_requests.consume", "exit_requests.note_expired",
    "closings.explain", "audit_trail.link_runs",
)  # fmt: skip
"""Methods of stores that change something in a tick: killed before and after their commit."""

READS: Final = (
    "positions.accounts", "positions.open_positions", "decisions.of_runs", "orders.live_orders",
    "orders.under_ids", "orders.last_attempts", "orders.of_runs", "orders.is_being_sent",
    "exit_requests.in_force", "orders.ended_orders", "positions.closed_elsewhere",
    "closings.counted", "closings.unexplained", "exit_requests.expired",
)  # fmt: skip
"""Methods of stores that only look: killed after them."""

LOOKS: Final = ("broker.positions", "broker.working_orders", "broker.find_order")
SENDS: Final = ("broker.submit", "broker.cancel")
WIRE: Final = {
    "send_request_headers.started": "first_byte",
    "send_request_body.complete": "written",
    "receive_response_headers.complete": "answered",
}
"""How httpcore calls the moments around a request, and our names: before the first byte, when all
is written and nothing is read, and when the answer has come."""

COMMITS: Final = ("before_commit", "after_commit")
PAPER_COMMITS: Final = (*SENDS, *LOOKS, "broker.settlements")
"""Calls in which the paper broker, whose books are in the same server, commits changes of them."""

POINTS: Final = (
    *(f"{write}.{side}" for write in WRITES for side in COMMITS),
    "orders.sending.after",
    *(f"{read}.after" for read in READS),
    *(f"{call}.{side}" for call in (*SENDS, *LOOKS, "broker.settlements")
      for side in ("before", "after")),
    *(f"{call}.{side}" for call in SENDS for side in WIRE.values()),
    *(f"{call}.{side}" for call in PAPER_COMMITS for side in COMMITS),
)  # fmt: skip

MONEY: Final = tuple(
    point
    for point in POINTS
    if point.startswith(("broker.submit", "broker.cancel", "broker.find_order"))
    or point.rsplit(".", 1)[0] in {
        "orders.record_intent", "orders.sending", "orders.begin_cancel", "orders.book",
        "orders.give_up",
    }
)  # fmt: skip
"""The points of the three money paths: an order, a cancel with what replaces it, a fill."""


class Watch:
    """Counts the points that one process passes, and kills it at one of them.

    Args:
        point: Where; None lets the process live.
        times: At the how-manieth passing.

    Attributes:
        passed: How often each point was passed.
    """

    def __init__(self, point: str | None = None, times: int = 1) -> None:
        self.passed: Counter[str] = Counter()
        self._point = point
        self._times = times
        self._within: list[str] = []

    @property
    def within(self) -> str:
        """The method that is under way, the innermost."""
        return self._within[-1] if self._within else ""

    @contextmanager
    def under(self, method: str) -> Iterator[None]:
        """What happens meanwhile belongs to this method."""
        self._within.append(method)
        try:
            yield
        finally:
            self._within.pop()

    def reach(self, side: str, method: str = "") -> None:
        """Pass a point of a method, by default of that which is under way; perhaps for ever."""
        point = f"{method or self.within}.{side}"
        if point not in POINTS:
            return
        self.passed[point] += 1
        if point == self._point and self.passed[point] == self._times:
            os.kill(os.getpid(), signal.SIGKILL)


class Watched:
    """Stands for a store, a broker or the whole database, with points around each method.

    Args:
        inner: What it stands for.
        part: Its name in points; empty for the database, whose properties are the stores.
        watch: Counts and kills.
    """

    def __init__(self, inner: Any, part: str, watch: Watch) -> None:
        self._inner = inner
        self._part = part
        self._watch = watch

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not self._part:
            return found if callable(found) else Watched(found, name, self._watch)
        if not callable(found):
            return found
        return partial(self._call, f"{self._part}.{name}", found)

    def _call(self, method: str, found: Callable[..., Any], *given: Any, **named: Any) -> Any:
        self._watch.reach("before", method)
        with self._watch.under(method):
            answer = found(*given, **named)
        if method == "orders.sending":
            return self._enter(method, answer)
        self._watch.reach("after", method)
        return answer

    @contextmanager
    def _enter(self, method: str, opened: AbstractContextManager[Any]) -> Iterator[Any]:
        """A method that is a context: its commit is on the way in, its lock ends on the way out."""
        with self._watch.under(method):
            value = opened.__enter__()
        try:
            yield value
        finally:
            opened.__exit__(None, None, None)
        self._watch.reach("after", method)


def watch_commits(engine: Engine, watch: Watch) -> None:
    """Pass a point before the driver is told to commit, and when it says that it has."""
    commit = engine.dialect.do_commit

    def watched(connection: Any) -> None:
        watch.reach("before_commit")
        commit(connection)
        watch.reach("after_commit")

    engine.dialect.do_commit = watched  # type: ignore[method-assign]


def watch_requests(watch: Watch) -> None:
    """Pass points on the wire of every request of this process that changes something."""
    send = httpx.HTTPTransport.handle_request

    def watched(self: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        if request.method != "GET":
            told = request.extensions.get("trace")

            def trace(event: str, info: Any) -> None:
                if told is not None:
                    told(event, info)
                side = WIRE.get(event.partition(".")[2])
                if side is not None:
                    watch.reach(side)

            request.extensions = {**request.extensions, "trace": trace}
        return send(self, request)

    httpx.HTTPTransport.handle_request = watched  # type: ignore[method-assign]
