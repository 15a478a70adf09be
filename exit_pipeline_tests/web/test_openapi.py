"""The document says what the service does, and the service does what the document says."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from exit_pipeline.web.app import OPERATIONS
from exit_pipeline_tests.desk import CALL, Desk
from exit_pipeline_tests.web.caller import Caller

WORKER = "/refactored-exit-worker"


@pytest.fixture
def document(client: Caller) -> dict[str, Any]:
    """The document, as it is served."""
    answer = client.get("/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def check(document: dict[str, Any], answer: Any, method: str, path: str) -> None:
    """Hold an answer against the schema that the document has for it."""
    responses = document["paths"][path][method.lower()]["responses"]
    (media,) = responses[str(answer.status_code)]["content"].items()
    assert answer.headers["content-type"].split(";")[0] == media[0].split(";")[0]
    resource = Resource.from_contents(document, default_specification=DRAFT202012)
    registry: Any = Registry().with_resource("urn:document", resource)
    schema = _absolute(media[1]["schema"])
    value = answer.json() if "json" in media[0] else answer.text
    Draft202012Validator(schema, registry=registry).validate(value)


def _absolute(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {
            key: f"urn:document{value}" if key == "$ref" else _absolute(value)
            for key, value in schema.items()
        }
    return [_absolute(one) for one in schema] if isinstance(schema, list) else schema


def test_it_tells_of_every_operation_and_every_parameter(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    told = {(method.upper(), path) for path, one in document["paths"].items() for method in one}
    assert told == {(one.method, one.path) for one in OPERATIONS}
    for one in OPERATIONS:
        operation = document["paths"][one.path][one.method.lower()]
        names = [parameter["name"] for parameter in operation["parameters"]]
        assert names == [parameter.name for parameter in one.parameters]
        assert operation["security"] == ([{"token": []}] if one.needs_token else [])


def test_every_schema_is_one_and_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert name.isalnum()
    seen = []

    def follow(value: Any) -> None:
        if isinstance(value, dict):
            if "$ref" in value:
                name = value["$ref"].removeprefix("#/components/schemas/")
                assert name in document["components"]["schemas"]
                seen.append(name)
            for one in value.values():
                follow(one)
        elif isinstance(value, list):
            for one in value:
                follow(one)

    follow(document)
    assert set(seen) == set(document["components"]["schemas"])


ASKED = [
    ("GET", "/health", {}, None, 200),
    ("GET", "/openapi.json", {}, None, 200),
    ("GET", "/metrics", {}, None, 200),
    ("GET", "/positions", {}, None, 200),
    ("GET", "/positions", {"limit": "x"}, None, 400),
    ("GET", "/decisions", {}, None, 200),
    ("GET", "/decisions", {"position_id": "x"}, None, 404),
    ("POST", WORKER, {"dry_run": "true"}, None, 200),
    ("POST", WORKER, {"dry_run": "maybe"}, None, 400),
    ("POST", WORKER, {"position_id": "x"}, None, 404),
    ("POST", WORKER, {"force_close": "1"}, None, 200),
    ("POST", WORKER, {}, b"x" * 20_000, 413),
    ("POST", "/halt", {}, b'{"state": "CANCEL_ALL", "reason": "r"}', 200),
    ("POST", "/halt", {}, b"{", 400),
    ("POST", "/resume", {}, b'{"reason": "r"}', 200),
    ("POST", "/resume", {}, b"", 400),
]


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: f"{asked[1]} {asked[2]} {asked[4]}")
def test_real_answers_are_as_the_document_says(
    client: Caller, desk: Desk, document: dict[str, Any], asked: tuple[Any, ...]
) -> None:
    method, path, params, body, status = asked
    desk.hold("b", entry="1.00")
    desk.tick()
    desk.later()
    desk.quote(CALL, "2.05", "2.15")
    answer = client.request(method, path, params=params, content=body)
    assert answer.status_code == status, answer.text
    check(document, answer, method, path)


def test_every_error_that_an_operation_may_give_is_in_the_document(
    client: Caller, desk: Desk, document: dict[str, Any]
) -> None:
    for one in OPERATIONS:
        method, path = one.method, one.path
        misspelt = client.request(method, path, params={"x": "y"})
        assert misspelt.status_code == 400
        check(document, misspelt, method, path)
        if one.needs_token:
            unknown = client.request(method, path, headers={"Authorization": "x"})
            assert unknown.status_code == 401
            check(document, unknown, method, path)
    assert desk.rows("SELECT * FROM decision_runs") == []
