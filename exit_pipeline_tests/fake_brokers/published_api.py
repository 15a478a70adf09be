"""Holds what is sent and answered to a vendor's published OpenAPI file, where it is at hand."""

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from exit_pipeline_tests.fake_brokers.server import Reply, Request

FOLDER = Path(__file__).parents[3] / "shared/reference/openapi"


class PublishedApi:
    """The GET operations of an OpenAPI 3.0 file."""

    def __init__(self, file: Path) -> None:
        self._spec = _as_json_schema(json.loads(file.read_text(encoding="utf-8")))
        resource = Resource(self._spec, DRAFT202012)
        self._registry: Any = Registry().with_resource("spec", resource)

    def check(self, template: str, request: Request, reply: Reply) -> None:
        """Fail where a query or an answer is not what the file says of the path."""
        operation = self._spec["paths"][template]["get"]
        known = {one["name"]: one for one in map(self._resolved, operation["parameters"])}
        assert set(request.query) <= set(known)
        for name, text in request.query.items():
            schema = known[name]["schema"]
            self._validate(schema, int(text) if schema.get("type") == "integer" else text)
        answer = operation["responses"][str(reply.status)]["content"]["application/json"]["schema"]
        self._validate(answer, json.loads(reply.body))

    def _resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in node:
            return node
        found = self._spec
        for step in node["$ref"].split("/")[1:]:
            found = found[step]
        return found

    def _validate(self, schema: dict[str, Any], value: Any) -> None:
        Draft202012Validator(schema, registry=self._registry).validate(value)


def _as_json_schema(node: Any) -> Any:
    """OpenAPI 3.0 says "or null" in a word of its own, and refers to its own file."""
    if isinstance(node, list):
        return [_as_json_schema(one) for one in node]
    if not isinstance(node, dict):
        return node
    told = {name: _as_json_schema(one) for name, one in node.items()}
    if told.get("nullable") is True and isinstance(told.get("type"), str):
        told["type"] = [told["type"], "null"]
    if isinstance(told.get("$ref"), str):
        told["$ref"] = told["$ref"].replace("#/", "spec#/")
    return told
