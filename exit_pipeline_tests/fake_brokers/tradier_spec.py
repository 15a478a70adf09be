"""Holds what is sent to the fake Tradier, and what it answers, against the file of the API."""

import json
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from typing import Any

from exit_pipeline_tests.fake_brokers.openapi import FOLDER, Spec
from exit_pipeline_tests.fake_brokers.server import Reply, Request

FILE = "tradier-brokerage.json"
HAS_SPEC = (FOLDER / FILE).exists() and find_spec("jsonschema") is not None
NUMBERS, FLAGS = frozenset({"quantity", "price"}), frozenset({"preview", "greeks"})
NOT_IN_THE_FILE = "/v1/user/profile"


class _Typed(Request):
    """A request whose form has types, which a form has none of."""

    @property
    def form(self) -> dict[str, Any]:  # type: ignore[override]
        return {name: _typed(name, text) for name, text in super().form.items()}


@cache
def _spec() -> Spec:
    return Spec(FILE)


def problems(exchanges: list[tuple[Request, Reply]]) -> list[str]:
    """What is not as in the file; nothing where the file is not at hand."""
    known = [one for one in exchanges if HAS_SPEC and one[0].path != NOT_IN_THE_FILE]
    return [
        problem
        for request, reply in known
        for problem in _spec().problems(_Typed(**vars(request)), _as_json(reply))
    ]


def _as_json(reply: Reply) -> Reply:
    if reply.headers.get("content-type") != "text/plain":
        return reply
    return replace(reply, body=json.dumps(reply.body.decode()).encode())


def _typed(name: str, text: str) -> Any:
    if name in NUMBERS:
        return float(text)
    return text == "true" if name in FLAGS and text in {"true", "false"} else text
