"""The service against whatever its own document allows, and whatever it does not."""

import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from exit_pipeline.web.app import OPERATIONS
from exit_pipeline.web.openapi import openapi
from exit_pipeline.web.operation import Operation
from exit_pipeline_tests.desk import Desk
from exit_pipeline_tests.web.caller import Caller
from exit_pipeline_tests.web.test_openapi import check

EXAMPLES = 30
"""Of each operation and kind; the whole takes some seconds, most of it in runs of the job."""

BOUNDED = settings(
    max_examples=EXAMPLES,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)

DOCUMENT = json.loads(json.dumps(openapi(OPERATIONS)))
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)


ALLOWED, FORBIDDEN = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE
KINDS = [
    *((one, ALLOWED) for one in OPERATIONS),
    # What takes neither a parameter nor a body can't be asked wrongly by the document's terms.
    *((one, FORBIDDEN) for one in OPERATIONS if one.parameters or one.body),
]


@pytest.mark.parametrize(
    ("operation", "mode"), KINDS, ids=lambda one: getattr(one, "path", None) or one.value
)
def test_no_request_is_answered_otherwise_than_the_document_says(
    client: Caller, desk: Desk, operation: Operation, mode: schemathesis.GenerationMode
) -> None:
    method, path = operation.method, operation.path
    cases = SCHEMA[path][method].as_strategy(generation_mode=mode)

    @BOUNDED
    @given(cases)
    def ask(case: Any) -> None:
        sent = case.as_transport_kwargs(base_url="http://service")
        answer = client.request(
            method,
            path,
            params=sent.get("params"),
            json=sent.get("json"),
            content=sent.get("data"),
        )
        assert answer.status_code < 500, answer.text
        check(DOCUMENT, answer, method, path)

    ask()
    # That trading was halted is told, and nothing else is wrong.
    assert desk.rows("SELECT * FROM alerts WHERE cause <> 'HALTED'") == []
