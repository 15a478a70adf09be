"""The OpenAPI 3.1 document, made of the same declarations that the service answers from."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final

from pydantic import TypeAdapter

from exit_pipeline.web.operation import ErrorAnswer, Operation, UnexpectedAnswer

_REF: Final = "#/components/schemas/{model}"

_ANY: Final[Mapping[int, str]] = {
    400: "Something that was given is not understood; nothing was done.",
    429: "Too many requests of this caller; Retry-After says when to ask again.",
    503: "The database or something else outside did not answer, or a setting is missing.",
}
_WITH_TOKEN: Final[Mapping[int, str]] = {401: "There is no token, or it is wrong."}
_WITH_BODY: Final[Mapping[int, str]] = {
    408: "The body did not arrive in time.",
    413: "The body is too large.",
}
_MEANING: Final[Mapping[int, str]] = {
    200: "As asked.",
    404: "There is nothing of that name.",
    409: "Not now: the sentence says what is in the way.",
}


def openapi(operations: Sequence[Operation]) -> dict[str, Any]:
    """The document of some operations."""
    schemas, definitions = _schemas(operations)
    paths: dict[str, Any] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "exit-pipeline",
            "version": version("exit-pipeline"),
            "description": "Runs the exit job, stops trading, and tells how everything stands. "
            "Money is dollars, as decimal text; times are ISO 8601 in UTC.",
        },
        "paths": paths,
        "components": {
            "schemas": definitions,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


Schemas = Mapping[tuple[Any, str], Mapping[str, Any]]


def _schemas(operations: Sequence[Operation]) -> tuple[Schemas, dict[str, Any]]:
    answers = {ErrorAnswer, UnexpectedAnswer} | {
        kind for one in operations for kind in one.answers.values()
    }
    bodies = {one.body for one in operations if one.body is not None}
    inputs: list[Any] = [
        *((kind, "serialization", TypeAdapter(kind)) for kind in sorted(answers, key=str)),
        *((kind, "validation", TypeAdapter(kind)) for kind in sorted(bodies, key=str)),
    ]
    schemas, whole = TypeAdapter.json_schemas(inputs, ref_template=_REF)
    return {(kind, mode): schema for (kind, mode), schema in schemas.items()}, whole["$defs"]


def _operation(one: Operation, schemas: Schemas) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": f"{one.method.lower()}_{one.path.strip('/').replace('-', '_')}",
        "summary": one.summary,
        "security": [{"token": []}] if one.needs_token else [],
        "parameters": _parameters(one),
        "responses": _responses(one, schemas),
    }
    if one.description:
        found["description"] = one.description
    if one.body is not None:
        schema = schemas[one.body, "validation"]
        found["requestBody"] = {
            "required": False,
            "content": {"application/json": {"schema": schema}},
        }
    return found


def _parameters(one: Operation) -> list[dict[str, Any]]:
    return [
        {
            "name": parameter.name,
            "in": "query",
            "required": False,
            "description": parameter.description,
            "schema": {"type": "array", "items": parameter.schema}
            if parameter.many
            else parameter.schema,
        }
        for parameter in one.parameters
    ]


def _responses(one: Operation, schemas: Schemas) -> dict[str, Any]:
    failures = dict(_ANY)
    failures |= _WITH_TOKEN if one.needs_token else {}
    failures |= _WITH_BODY if one.method == "POST" else {}
    answers: dict[int, Any] = dict.fromkeys(failures, ErrorAnswer) | dict(one.answers)
    answers[500] = UnexpectedAnswer
    meanings = {**failures, **_MEANING, 500: "An error of the program; its log has the reference."}
    return {
        str(status): {
            "description": meanings[status],
            "content": {
                (one.media_type if one.media_type and status == 200 else "application/json"): {
                    "schema": schemas[kind, "serialization"]
                }
            },
        }
        for status, kind in sorted(answers.items())
    }
