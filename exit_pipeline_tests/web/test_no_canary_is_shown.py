"""Whatever callers send and whatever goes wrong, no answer and no row shows a secret."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg
import httpx
import pytest

from exit_pipeline.defs.one_run import OneRun
from exit_pipeline.redaction import MARK, install
from exit_pipeline.web.desk import Desk as ServiceDesk
from exit_pipeline_tests.canaries import SEEN, tables_showing
from exit_pipeline_tests.desk import Desk
from exit_pipeline_tests.web.caller import Caller
from exit_pipeline_tests.web.conftest import TOKEN

WORKER = "/refactored-exit-worker"
KEY = "canary-tradier-key"


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("API_AUTH_TOKEN", TOKEN)
    monkeypatch.setenv("TRADIER_API_KEY", KEY)
    install()
    yield
    monkeypatch.undo()
    install()


@pytest.fixture
def instance(
    database_url: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    """An instance that keeps its runs beside the positions, as in production."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    storage = {"custom": {"module": "exit_pipeline.defs.storage", "class": "InstanceStorage"}}
    logs = {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    }
    overrides = {"storage": storage, "compute_logs": logs, "telemetry": {"enabled": False}}
    with dg.instance_for_test(overrides=overrides, temp_dir=str(tmp_path)) as found:
        yield found


@pytest.mark.parametrize("secret", [TOKEN, KEY], ids=["the token", "a key"])
def test_a_secret_that_a_caller_sends_is_neither_answered_nor_kept(
    make_client: Callable[..., Caller],
    database_url: str,
    caplog: pytest.LogCaptureFixture,
    secret: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    right, wrong = make_client(), make_client(headers={"Authorization": f"Bearer {KEY}"})
    answers = [
        caller.request(method, path, params=params, json=body)
        for caller in (right, wrong)
        for method, path, params, body in (
            ("POST", WORKER, {"position_id": secret}, None),
            ("POST", WORKER, {"dry_run": secret}, None),
            ("POST", WORKER, {secret: "1"}, None),
            ("GET", "/decisions", {"position_id": secret}, None),
            ("GET", "/decisions", {"since": secret}, None),
            ("POST", "/halt", {}, {"reason": f"because of {secret}"}),
            ("POST", "/halt", {}, {secret: secret}),
            ("GET", f"/{secret}", {}, None),
            ("GET", "/health", {}, None),
            ("GET", "/metrics", {}, None),
        )
    ]
    said = "\n".join(f"{answer.headers}{answer.text}" for answer in answers)
    assert TOKEN not in said
    assert KEY not in said
    assert MARK in said
    assert tables_showing(database_url, [TOKEN, KEY]) == []
    assert secret not in caplog.text
    # The sentence about a value quotes it; what is looked at here is that it doesn't leave.
    SEEN.clear()


def test_an_error_that_nobody_expected_is_answered_and_kept_without_secrets(
    client: Caller,
    desk: Desk,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)

    def fail(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError({"headers": {"Authorization": f"Bearer {TOKEN}", "key": KEY}})

    monkeypatch.setattr("exit_pipeline.defs.ops.decide_tick", fail)
    assert client.post(WORKER).status_code == 500
    monkeypatch.setattr(desk.database.positions, "listing", fail)
    assert client.get("/positions").status_code == 500
    assert tables_showing(database_url, [TOKEN, KEY]) == []
    assert TOKEN not in caplog.text
    assert KEY not in caplog.text


def test_a_storage_that_does_not_answer_is_told_without_secrets(
    service: ServiceDesk, make_client: Callable[..., Caller], caplog: pytest.LogCaptureFixture
) -> None:
    @contextmanager
    def broken() -> Iterator[dg.DagsterInstance]:
        raise httpx.ConnectError(f"postgresql://me:{KEY}@host/db")
        yield

    object.__setattr__(service, "runs", OneRun(service.clock, broken))
    answer = make_client().post(WORKER)
    assert answer.status_code == 503
    assert KEY not in answer.text + caplog.text
