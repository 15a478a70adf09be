"""Hold what is sent and what is answered against a vendor's published OpenAPI file."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exit_pipeline_tests.fake_brokers.server import Reply, Request

FOLDER = Path(__file__).parents[3] / "shared" / "reference" / "openapi"


class Spec:
    """One OpenAPI 3.0 file.

    Args:
        file: Its name in the folder of specs.
    """

    def __init__(self, file: str) -> None:
        document = json.loads((FOLDER / file).read_text())
        self.schemas = document["components"]["schemas"]
        self._paths = document["paths"]
        self._parameters = {
            f"#/components/parameters/{name}": one
            for name, one in document["components"].get("parameters", {}).items()
        }
        self._components = _nullable(document["components"])

    def problems(self, request: Request, reply: Reply) -> list[str]:
        """What is not as documented in an exchange; nothing when all is well."""
        template = self._template(request.path)
        operation = self._paths.get(template, {}).get(request.method.lower())
        if operation is None:
            return [f"{request.method} {request.path} is not documented"]
        where = f"{request.method} {template}"
        found = self._of_query(operation, self._paths[template], request.query)
        sent = operation.get("requestBody", {}).get("content", {})
        for kind, content in sent.items():
            body = request.json if "json" in kind else request.form
            found += self._of_body(content["schema"], body)
        answers = operation["responses"].get(str(reply.status), {}).get("content", {})
        for content in answers.values():
            found += self._of_body(content["schema"], json.loads(reply.body))
        return [f"{where}: {problem}" for problem in found]

    def _template(self, path: str) -> str:
        if path in self._paths:
            return path
        fits = (
            template
            for template in self._paths
            if re.fullmatch(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(template)), path)
        )
        return next(fits, path)

    def _of_query(
        self, operation: dict[str, Any], path: dict[str, Any], query: Mapping[str, str]
    ) -> list[str]:
        named = [*operation.get("parameters", ()), *path.get("parameters", ())]
        declared = [self._parameters.get(one.get("$ref"), one) for one in named]
        known = {one["name"]: one for one in declared if one["in"] == "query"}
        found = [f"{name} is no parameter" for name in query if name not in known]
        missing = {name for name, one in known.items() if one.get("required")} - set(query)
        found += [f"{name} is missing" for name in missing]
        for name in set(query) & set(known):
            schema = known[name].get("schema", {})
            found += self._of_body(schema, _typed(query[name], schema.get("type")))
        return found

    def _of_body(self, schema: dict[str, Any], body: Any) -> list[str]:
        from jsonschema import Draft202012Validator  # noqa: PLC0415 absent on a user's machine

        whole = {**_nullable(schema), "components": self._components}
        errors = Draft202012Validator(whole).iter_errors(body)
        return [f"{error.json_path}: {error.message[:200]}" for error in errors]


def _typed(text: str, kind: str | None) -> Any:
    match kind:
        case "integer" if text.isdecimal():
            return int(text)
        case "boolean" if text in {"true", "false"}:
            return text == "true"
        case "array":
            return text.split(",")
    return text


def _nullable(schema: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: ``nullable`` becomes a type of its own."""
    if isinstance(schema, list):
        return [_nullable(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _nullable(part) for name, part in schema.items() if name != "nullable"}
    if schema.get("nullable") is True:
        return {"anyOf": [made, {"type": "null"}]}
    return made
