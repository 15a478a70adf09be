"""``GET /openapi.json``."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from exit_pipeline.web.exchange import Answer, Ask
from exit_pipeline.web.openapi import openapi
from exit_pipeline.web.operation import Operation


def make_document(operations: Sequence[Operation]) -> Operation:
    """The operation that tells of others and of itself."""

    @cache
    def document() -> dict[str, Any]:
        return openapi([*operations, described])

    def answer(ask: Ask) -> Answer:  # noqa: ARG001 it is the same whoever asks
        return Answer(value=document())

    described = Operation(
        method="GET",
        path="/openapi.json",
        handle=answer,
        summary="This document.",
        answers={200: dict[str, Any]},
        needs_token=False,
        # Probes ask for it whether the process answers; a database that hangs must not hide that.
        waits=False,
    )
    return described
