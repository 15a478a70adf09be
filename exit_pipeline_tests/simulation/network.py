"""The wire between an engine and its broker, where requests and answers are lost or spoilt."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import parse_qsl

import httpx

from exit_pipeline_tests.fake_brokers.server import Reply, Request
from exit_pipeline_tests.simulation import venues
from exit_pipeline_tests.simulation.faults import Planned
from exit_pipeline_tests.simulation.timeline import Timeline
from exit_pipeline_tests.simulation.venues import HttpVenue, Posted

TIMEOUT_SECONDS: Final = 10.0
LATEST_ARRIVAL_SECONDS: Final = 118.0
"""How late a request may still arrive: within the quarantine of 120 seconds, which is as long as
the protocol promises to bear with."""

_HTML: Final = b"<!DOCTYPE html><html><body>Bad gateway</body></html>"
_TARGETS: Final = {
    venues.POST: ("post", "any"),
    venues.CANCEL: ("cancel", "any"),
    venues.FIND: ("look", "any"),
    venues.LIST: ("look", "any"),
    venues.POSITIONS: ("positions", "any"),
    venues.ACTIVITIES: ("activities", "any"),
    venues.ACCOUNT: ("any",),
}


_LOOKS: Final = frozenset({venues.FIND, venues.LIST})


@dataclass
class Armed:
    """A wire fault that waits for its request."""

    planned: Planned
    left: int


class Wire:
    """Carries requests to a broker, and strikes those that a fault waits for.

    Args:
        timeline: Every request takes its time.
        on_strike: Told of each fault that strikes for the first time.

    Attributes:
        armed: Faults that wait, the oldest first.
    """

    def __init__(self, timeline: Timeline, on_strike: Callable[[Planned], None]) -> None:
        self.armed: list[Armed] = []
        self._timeline = timeline
        self._on_strike = on_strike

    def arm(self, planned: Planned) -> None:
        what = planned.kind.what
        single = planned.kind.target in {"post", "cancel"}
        times = 1 + (planned.pick % 2 if single else planned.pick % 8)
        times = 40 if what == "wrong_key" else times
        self.armed.append(Armed(planned, times))

    def take(
        self, kind: str, can_strike: Callable[[Planned], bool] = lambda _planned: True
    ) -> Planned | None:
        """The fault that strikes a request of a kind."""
        for one in self.armed:
            is_aimed = one.left and one.planned.kind.target in _TARGETS[kind]
            if is_aimed and can_strike(one.planned):
                one.left -= 1
                self._on_strike(one.planned)
                return one.planned
        return None

    def disarm(self) -> None:
        self.armed.clear()


class HttpWire:
    """What HTTP requests meet on their way to the broker and back.

    Attributes:
        under_way: Orders that have left and will arrive later.
        doubled: Ids of orders that the network has delivered twice, and the broker taken twice.
    """

    def __init__(self, wire: Wire, venue: HttpVenue, timeline: Timeline) -> None:
        self._wire = wire
        self._venue = venue
        self._timeline = timeline
        self._positions: Reply | None = None
        self._looks: dict[str, tuple[datetime, Reply]] = {}
        self.under_way: list[Posted] = []
        self.doubled: set[str] = set()

    def carry(self, request: Request, written: Callable[[], None]) -> Reply:
        """Have the broker do what is asked, or not, and answer, or not.

        Args:
            request: What is asked.
            written: Called once the request has left, before the answer is read.

        Raises:
            httpx.TransportError: No answer.
        """
        kind = self._venue.kind_of(request)
        self._timeline.advance(0.04)
        before = self._a_moment_ago(kind, request)
        planned = self._wire.take(
            kind, lambda one: one.kind.name != "look_of_before" or before is not None
        )
        if planned is None:
            reply = self._deliver(request)
            if kind == venues.POSITIONS:
                self._positions = reply
            elif kind in _LOOKS:
                self._looks[_look_at(request)] = self._timeline.at, reply
            written()
            return reply
        return self._struck(planned, kind, request, written)

    def _struck(
        self, planned: Planned, kind: str, request: Request, written: Callable[[], None]
    ) -> Reply:
        what = planned.kind.what
        if kind == venues.POSITIONS and what in {"none", "some", "of_before"}:
            return self._wrong_positions(what, planned.pick, request)
        if what == "of_before":
            return self._a_moment_ago(kind, request) or self._deliver(request)
        if what in {"refused", "wrong_key"}:
            return self._venue.refusals()[what]
        if what == "too_late":
            self._fill_first(request)
            return self._deliver(request)
        reply = None
        if self._arrives(what, planned):
            reply = self._deliver(request)
        elif what == "late_arrival":
            seconds = 2 + planned.amount * (LATEST_ARRIVAL_SECONDS - 2)
            posted = self._venue.posted(request)
            self.under_way.append(posted)
            self._timeline.after(seconds, lambda: self._late(request, posted))
        written()
        if what == "duplicate_delivery":
            self._timeline.after(planned.amount * 60, lambda: self._again(request))
            return reply or Reply()
        return self._spoilt(what, reply)

    def _a_moment_ago(self, kind: str, request: Request) -> Reply | None:
        """What the same look saw shortly before, as from a copy of the books that lags behind."""
        if kind not in _LOOKS or (seen := self._looks.get(_look_at(request))) is None:
            return None
        at, reply = seen
        is_fresh = (self._timeline.at - at).total_seconds() < LATEST_ARRIVAL_SECONDS
        return reply if is_fresh else None

    def _spoilt(self, what: str, reply: Reply | None) -> Reply:
        if what in {"lost_request", "lost_response", "late_arrival"}:
            self._timeline.advance(TIMEOUT_SECONDS)
            message = "no answer in time"
            raise httpx.ReadTimeout(message)
        if what.startswith("status_"):
            body = json.dumps({"message": "the gateway failed"}).encode()
            headers = {"content-type": "application/json"}
            return Reply(status=int(what.removeprefix("status_")), body=body, headers=headers)
        if what == "says_200_with_errors":
            return self._venue.refusals()[what]
        if what == "html":
            return Reply(body=_HTML, headers={"content-type": "text/html"})
        if what == "truncated":
            whole = reply.body if reply else b'{"order": {"id": 1'
            return Reply(body=whole[: max(len(whole) // 2, 1)], cut=True)
        return Reply()

    @staticmethod
    def _arrives(what: str, planned: Planned) -> bool:
        """Whether the broker did what was asked, though its answer says nothing of it."""
        if what in {"lost_request", "late_arrival", "status_429"}:
            return False
        return what in {"lost_response", "duplicate_delivery"} or planned.amount < 0.6

    def _deliver(self, request: Request) -> Reply:
        return self._venue.answer(request)

    def _late(self, request: Request, posted: Posted) -> None:
        self.under_way.remove(posted)
        self._venue.answer(request)

    def _again(self, request: Request) -> None:
        before = len(self._venue.orders())
        self._venue.answer(request)
        if len(self._venue.orders()) > before:
            self.doubled.add(self._venue.posted(request).client_order_id)

    def _wrong_positions(self, what: str, pick: int, request: Request) -> Reply:
        reply = self._deliver(request)
        if reply.status != 200:
            return reply
        if what == "of_before":
            return self._positions or reply
        return self._venue.spoil_positions(
            reply, lambda row: what == "some" and (row + pick) % 2 == 0
        )

    def _fill_first(self, request: Request) -> None:
        """The order fills on the way of its cancel."""
        order_id = request.path.rpartition("/")[2]
        for order in self._venue.orders():
            if order.broker_order_id == order_id and order.left:
                self._venue.execute(order_id, order.left)


class SimTransport(httpx.BaseTransport):
    """The network as the adapters' HTTP client sees it.

    Args:
        wire: Carries requests.
        reach: Called with the name of each point that is passed: before the request is written, of
            an order also after the clock was looked at for the last time, then after it is written,
            and after the answer is read.
        name_of: What a request is about.
        timeline: Stamps answers, as servers do.
        note: Writes into the history.
        on_post: Told of each order that is about to leave.
    """

    def __init__(
        self,
        wire: HttpWire,
        venue: HttpVenue,
        reach: Callable[[str], None],
        timeline: Timeline,
        note: Callable[[str], None],
        on_post: Callable[[Posted], None],
    ) -> None:
        self._on_post = on_post
        self._wire = wire
        self._venue = venue
        self._reach = reach
        self._timeline = timeline
        self._note = note

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host != self._venue.host:
            message = f"a request went to {request.url.host}, expected {self._venue.host}"
            raise AssertionError(message)
        sent = _sent(request)
        kind = self._venue.kind_of(sent)
        point, about = f"http.{kind}", ""
        self._reach(f"{point}:before_write")
        # The transport of the network tells the client when it begins to write, and so does this.
        request.extensions.get("trace", lambda *_: None)("http11.send_request_headers.started", {})
        if kind == venues.POST:
            posted = self._venue.posted(sent)
            about = posted.client_order_id
            self._on_post(posted)
            # The one moment that no clock guards: it has looked, and has not written.
            self._reach(f"{point}:writing")
        with self._noted(kind, about):
            reply = self._wire.carry(sent, lambda: self._reach(f"{point}:after_write"))
            self._reach(f"{point}:after_read")
            if reply.cut:
                message = "the answer broke off"
                raise httpx.RemoteProtocolError(message)
        self._note(f"{sent.method} {kind} {about} -> {reply.status}".replace("  ", " "))
        dated = {"date": format_datetime(self._timeline.at, usegmt=True)}
        headers = dated | dict(reply.headers)
        return httpx.Response(reply.status, headers=headers, content=reply.body)

    @contextmanager
    def _noted(self, kind: str, about: str) -> Iterator[None]:
        try:
            yield
        except httpx.TransportError as error:
            self._note(f"{kind} {about} -> {error}".replace("  ", " "))
            raise


def _look_at(request: Request) -> str:
    return f"{request.path}?{sorted(request.query.items())}"


def _sent(request: httpx.Request) -> Request:
    query: Any = request.url.query.decode()
    return Request(
        method=request.method,
        path=request.url.path,
        query=dict(parse_qsl(query, keep_blank_values=True)),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=request.read(),
    )
