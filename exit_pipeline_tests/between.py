"""Something that stands before a broker or a store, and does some of its things in its own way."""

from collections.abc import Callable
from functools import partial
from typing import Any

from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.core.model.order import OrderReport, OrderRequest


class Between:
    """Stands before `inner`.

    Args:
        inner: What is asked for everything else.
        does: By name: what a method does instead, with `inner` before its arguments, or the value
            that an attribute has instead.
    """

    def __init__(self, inner: Any, **does: Any) -> None:
        self._inner = inner
        self._does = does

    def __getattr__(self, name: str) -> Any:
        if name not in self._does:
            return getattr(self._inner, name)
        does = self._does[name]
        return partial(does, self._inner) if callable(does) else does


def is_silent(inner: Any, *asked: Any) -> Any:  # noqa: ARG001 whatever it is asked
    """Does not answer."""
    message = "the broker does not answer"
    raise UnavailableError(message)


def shows_none(inner: Any, *asked: Any) -> list[Any]:  # noqa: ARG001 whatever it is asked
    """Answers that there are none."""
    return []


def loses_answer(inner: Any, request: OrderRequest, *rest: Any) -> OrderReport:
    """Places the order, and loses the answer."""
    inner.submit(request, *rest)
    message = "read timed out"
    raise TimeoutError(message)


def chokes_on(symbol: str) -> Callable[..., OrderReport]:
    """Fails on one symbol before anything reaches the broker."""

    def submit(inner: Any, request: OrderRequest, *rest: Any) -> OrderReport:
        if request.symbol == symbol:
            message = "connection reset"
            raise OSError(message)
        report: OrderReport = inner.submit(request, *rest)
        return report

    return submit


def looks_first(look: Callable[[], object]) -> Callable[..., OrderReport]:
    """Looks around whenever an order arrives."""

    def submit(inner: Any, request: OrderRequest, *rest: Any) -> OrderReport:
        look()
        report: OrderReport = inner.submit(request, *rest)
        return report

    return submit
