"""Named points between any two steps of an engine, at which it may die, freeze or meet another.

The program has no such points: they are around every method of the stores (``orders.book:before``
and ``:after``), before every COMMIT (``orders.book:before_commit``), around every request
(``http.post:before_write``, ``:after_write``, ``:after_read``; ``paper.submit:before`` and
``:after``) and after every service (``open_tick:done``).
"""

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Final

from exit_pipeline_tests.simulation.faults import Planned

MONEY: Final = (
    "orders.record_intent",
    "orders.begin_sending",
    "orders.sending",
    "orders.mark_status",
    "orders.book",
    "orders.begin_cancel",
    "orders.record_missed",
    "http.post",
    "http.cancel",
    "paper.submit",
    "paper.cancel",
)
"""Beginnings of the points on the way of an order."""

_AIMED: Final = {
    "money": (MONEY, 9),
    "posting": (("http.post:before_write", "http.post:writing", "paper.submit:before"), 4),
    "deciding": (("decide_tick:done", "orders.record_intent:before"), 3),
}
"""By a fault's target: beginnings of the points at which it strikes, and at the how many-th of them
at most."""


class Killed(BaseException):
    """The engine's process is gone; nothing in it may catch that."""


class Points:
    """Every point that is reached, and the faults that wait for one.

    Args:
        on_strike: Does what a fault says to the engine that has reached its point.

    Attributes:
        reached: How often each point was.
    """

    def __init__(self, on_strike: Callable[[Planned, Any, str], None]) -> None:
        self.reached: Counter[str] = Counter()
        self._on_strike = on_strike
        self._armed: list[tuple[Planned, list[int]]] = []
        self._is_busy = False

    def arm(self, planned: Planned) -> None:
        """Let a fault strike at one of the next points, of those that it is aimed at or of any."""
        _, most = _AIMED.get(planned.kind.target, ("", 130))
        self._armed.append((planned, [planned.pick % most]))

    def disarm(self) -> None:
        self._armed.clear()

    def reach(self, engine: Any, name: str) -> None:
        """An engine is here."""
        self.reached[name] += 1
        if self._is_busy or not engine.is_probed:
            return
        for number, (planned, waits) in enumerate(self._armed):
            beginnings, _ = _AIMED.get(planned.kind.target, ("", 0))
            if not name.startswith(beginnings):
                continue
            if waits[0]:
                waits[0] -= 1
                continue
            del self._armed[number]
            self._is_busy = True
            try:
                self._on_strike(planned, engine, name)
            finally:
                self._is_busy = False
            return


class Probed:
    """A stand-in that reaches a point before and after every call.

    Args:
        inner: What is called.
        name: Of the points.
        gate: Called with each point's name; raises where the engine is dead.
        nested: Attributes that hold more to be probed.
        wrap: May put something between, by the method's name.
    """

    def __init__(
        self,
        inner: Any,
        name: str,
        gate: Callable[[str], None],
        nested: Iterable[str] = (),
        wrap: Callable[[str, Callable[..., Any]], Callable[..., Any]] | None = None,
    ) -> None:
        self._inner = inner
        self._name = name
        self._gate = gate
        self._nested = frozenset(nested)
        self._wrap = wrap
        self._made: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        if name not in self._made:
            found = getattr(self._inner, name)
            if name in self._nested:
                found = Probed(found, name, self._gate, wrap=self._wrap)
            elif callable(found):
                found = self._probed(name, found)
            else:
                return found
            self._made[name] = found
        return self._made[name]

    def _probed(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        point = f"{self._name}.{name}"
        inner = self._wrap(point, method) if self._wrap else method

        def call(*args: Any, **named: Any) -> Any:
            self._gate(f"{point}:before")
            answer = inner(*args, **named)
            if isinstance(answer, AbstractContextManager):
                return _Entered(answer, point, self._gate)
            self._gate(f"{point}:after")
            return answer

        return call


class _Entered:
    """A context that reaches a point once entered, and before and after it is left."""

    def __init__(
        self, inner: AbstractContextManager[Any], point: str, gate: Callable[[str], None]
    ) -> None:
        self._inner = inner
        self._point = point
        self._gate = gate

    def __enter__(self) -> Any:
        answer = self._inner.__enter__()
        self._gate(f"{self._point}:entered")
        return answer

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        if kind is None or not issubclass(kind, Killed):
            self._gate(f"{self._point}:before_leaving")
        left = self._inner.__exit__(kind, error, trace)
        self._gate(f"{self._point}:left") if kind is None else None
        return left
