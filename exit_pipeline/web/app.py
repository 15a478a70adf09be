"""The application: its operations, and how one request is let through to one of them."""

import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

from anyio import CapacityLimiter, to_thread
from pydantic import TypeAdapter
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from exit_pipeline.core.model.errors import ConfigurationError, InputError, UnavailableError
from exit_pipeline.redaction import redact
from exit_pipeline.web.body import read_body
from exit_pipeline.web.boundary import Boundary, Rates, caller_of, failure
from exit_pipeline.web.desk import Desk
from exit_pipeline.web.exchange import Answer, Ask, HttpError
from exit_pipeline.web.guard import Guard
from exit_pipeline.web.operation import Operation
from exit_pipeline.web.query import check_query
from exit_pipeline.web.routes.decisions import DECISIONS
from exit_pipeline.web.routes.document import make_document
from exit_pipeline.web.routes.health import HEALTH
from exit_pipeline.web.routes.metrics import METRICS
from exit_pipeline.web.routes.positions import POSITIONS
from exit_pipeline.web.routes.trading import HALT, RESUME
from exit_pipeline.web.routes.worker import WORK

log = logging.getLogger(__name__)

_BEFORE: Final = (HEALTH, WORK, HALT, RESUME, POSITIONS, DECISIONS, METRICS)
OPERATIONS: Final = (*_BEFORE, make_document(_BEFORE))

OPEN_THREADS: Final = 4
"""Requests without a token that are worked on at once."""

_SENTENCES: Final = {
    404: "there is nothing here; see GET /openapi.json",
    405: "this is not asked for in that way; see GET /openapi.json",
}


def make_app(desk: Desk, token: str, rates: Rates | None = None) -> Starlette:
    """The application.

    Args:
        desk: What it works with.
        token: What callers must have.
        rates: How often they may ask; by default as ``web/rates.py`` says.
    """
    guard = Guard(token)
    service = _Service(desk, guard)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await to_thread.run_sync(desk.runs.close)

    app = Starlette(
        routes=[Route(one.path, service.endpoint(one), methods=[one.method]) for one in OPERATIONS],
        middleware=[Middleware(Boundary, guard=guard, rates=rates or Rates())],
        exception_handlers={HTTPException: _refuse, HttpError: _refuse_http},
        lifespan=lifespan,
    )
    # A path with a stroke too many is another path, and no redirect of a POST.
    app.router.redirect_slashes = False
    return app


class _Service:
    """Lets a request through, or refuses it, in the order: token, query, body, work."""

    def __init__(self, desk: Desk, guard: Guard) -> None:
        self._desk = desk
        self._guard = guard
        # Callers without a token must not keep those with one waiting, where the database hangs.
        self._open_to_all = CapacityLimiter(OPEN_THREADS)

    def endpoint(self, operation: Operation) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers the requests of an operation."""
        adapters = {status: TypeAdapter(kind) for status, kind in operation.answers.items()}
        return partial(self._serve, operation, adapters)

    async def _serve(
        self, operation: Operation, adapters: dict[int, TypeAdapter[Any]], request: Request
    ) -> Response:
        if operation.needs_token:
            self._guard.check(request.headers.getlist("authorization"))
        try:
            query = check_query(request.query_params.multi_items(), operation.parameters)
            declared = request.headers.get("content-length")
            body = await read_body(declared, request.stream())
            caller = f"HTTP from {caller_of(request.scope)}"
            ask = Ask(desk=self._desk, query=query, body=body, caller=caller)
            answer = await self._work(operation, ask)
        except InputError as error:
            return failure(400, str(error))
        except (UnavailableError, ConfigurationError) as error:
            log.warning("HTTP %s: %s", operation.path, error)
            return failure(503, str(error))
        except ClientDisconnect:
            return Response(status_code=400)
        return _render(answer, adapters)

    async def _work(self, operation: Operation, ask: Ask) -> Answer:
        if not operation.waits:
            return operation.handle(ask)
        limiter = None if operation.needs_token else self._open_to_all
        return await to_thread.run_sync(operation.handle, ask, limiter=limiter)


def _render(answer: Answer, adapters: dict[int, TypeAdapter[Any]]) -> Response:
    if answer.media_type is not None:
        return Response(redact(answer.value), answer.status, media_type=answer.media_type)
    body = redact(adapters[answer.status].dump_json(answer.value).decode())
    return Response(body, answer.status, media_type="application/json")


def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 it is registered for those
    sentence = _SENTENCES.get(error.status_code, "this request is not understood")
    answer = failure(error.status_code, sentence)
    answer.headers.update(error.headers or {})
    return answer


def _refuse_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HttpError)  # noqa: S101 it is registered for those
    answer = failure(error.status, error.sentence, **error.details)
    answer.headers.update(error.headers)
    return answer
