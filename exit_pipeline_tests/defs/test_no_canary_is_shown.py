"""Every secret is a canary, everything goes wrong, and no canary is shown anywhere."""

import base64
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dagster as dg
import httpx
import pytest
from click.testing import CliRunner

from exit_pipeline.adapters.brokers.paper import PaperBroker
from exit_pipeline.adapters.clients.postgres_engine import make_engine, transaction
from exit_pipeline.cli import group
from exit_pipeline.core.model.errors import ConfigurationError, ExitPipelineError, UnavailableError
from exit_pipeline.core.model.order import OrderReport
from exit_pipeline.defs.jobs import exit_job
from exit_pipeline.defs.launch import run_exit_job
from exit_pipeline.redaction import MARK, install
from exit_pipeline_tests.canaries import tables_showing
from exit_pipeline_tests.desk import CALL, FAR_CALL, Desk

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dagster")

PASSWORD = "canary/of the=database"  # noqa: S105 of no database
ENVIRON = {
    "ALPACA_API_KEY": "canary-alpaca-key",
    "ALPACA_SECRET_KEY": "canary-alpaca-secret",
    "TRADIER_API_KEY": "canary-tradier-key",
    "API_AUTH_TOKEN": "canary-token-0123456789abcdef0123",
    "DAGSTER_POSTGRES_PASSWORD": "canary-dagster-password",
    "EXIT_SMTP_PASSWORD": "canary-smtp-password",
    "EXIT_WEBHOOK_URL": "https://hooks.example.com/services/T00/canary-webhook-0123456789",
    "EXIT_WEBHOOK_SECRET": "canary-webhook-secret",
    "OTHER_DATABASE_URL": f"postgresql://me:{quote(PASSWORD, safe='')}@nowhere.invalid/db",
    "SIGNING_KEY": "canary-line-one-0123456789\ncanary-line-two-0123456789",
}
SECRETS = [
    *(value for name, value in ENVIRON.items() if not name.endswith("_URL")),
    *ENVIRON["SIGNING_KEY"].splitlines(),
    PASSWORD,
    quote(PASSWORD, safe=""),
    "canary-webhook-0123456789",
]
FORMS = [
    *SECRETS,
    *(base64.b64encode(f"key:{one}".encode()).decode()[8:-8] for one in SECRETS),
]


@pytest.fixture(autouse=True)
def _everything_is_a_canary(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    install()
    yield
    monkeypatch.undo()
    install()


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


def shown(text: str) -> list[str]:
    """The canaries in a text."""
    return [one for one in FORMS if one in text]


def echo() -> str:
    """What a library may say that quotes the whole request."""
    user = base64.b64encode(f"key:{ENVIRON['TRADIER_API_KEY']}".encode()).decode()
    headers = {name.lower().replace("_", "-"): value for name, value in ENVIRON.items()}
    return (
        f"GET https://me:{ENVIRON['ALPACA_SECRET_KEY']}@api.example.com/a"
        f"?token={quote(ENVIRON['API_AUTH_TOKEN'])}&q={quote(PASSWORD)} failed:\n"
        f"{headers | {'Authorization': f'Basic {user}'}!r}"
    )


def chained(kind: type[Exception]) -> Exception:
    """An error, its cause, its context and its note, all of which quote the request."""
    try:
        try:
            raise httpx.ConnectError(echo())
        except httpx.ConnectError as cause:
            raise kind(echo()) from cause
    except kind as error:
        error.add_note(echo())
        return error


class EchoingBroker(PaperBroker):
    """A broker whose errors and refusals quote what was sent."""

    error: type[Exception] = RuntimeError

    def submit(self, *_: Any, **__: Any) -> OrderReport:
        raise chained(self.error)

    def find_order(self, *_: Any, **__: Any) -> OrderReport | None:
        raise chained(UnavailableError)


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    """Two positions that are due, at a broker that echoes."""
    found = Desk(database_url)
    for name, symbol in (("a", CALL), ("b", FAR_CALL)):
        found.hold(name, symbol)
        found.quote(symbol, "4.00", "4.10")
    found.broker = EchoingBroker(
        found.engine, found.market, found.clock, "paper", calendar=found.calendar
    )
    yield found
    found.engine.dispose()


@pytest.mark.parametrize("error", [RuntimeError, UnavailableError, ConfigurationError])
def test_a_tick_at_a_broker_that_echoes_shows_none(
    desk: Desk,
    instance: dg.DagsterInstance,
    database_url: str,
    log: pytest.LogCaptureFixture,
    error: type[Exception],
) -> None:
    EchoingBroker.error = error
    for _ in range(3):  # the order is lost, looked for, and told of
        report = run_exit_job({}, desk.resources, instance)
        desk.later()
        for symbol in (CALL, FAR_CALL):
            desk.quote(symbol, "4.00", "4.10")
    assert report.orders or report.executed.notes
    assert MARK in str(desk.rows("SELECT detail FROM adapter_logs"))
    assert tables_showing(database_url, FORMS) == []
    assert shown(log.text) == []


@pytest.mark.parametrize("error", [RuntimeError, UnavailableError, KeyError])
def test_a_run_that_fails_with_a_secret_in_its_error_shows_none(
    desk: Desk,
    instance: dg.DagsterInstance,
    database_url: str,
    log: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
) -> None:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise chained(error)

    monkeypatch.setattr("exit_pipeline.defs.ops.decide_tick", fail)
    with pytest.raises(ExitPipelineError) as failed:
        run_exit_job({}, desk.resources, instance)
    assert shown("".join(traceback.format_exception(failed.value))) == []
    assert MARK in str(failed.value)
    (run,) = instance.get_runs()
    events = instance.all_logs(run.run_id)
    assert shown(repr(events)) == []
    assert MARK in repr(events)
    assert MARK in str(desk.rows("SELECT status_reason FROM decision_runs WHERE status = 'FAILED'"))
    assert tables_showing(database_url, FORMS) == []
    assert shown(log.text) == []


def test_what_is_typed_into_a_form_or_a_tag_or_logged_by_an_op_is_kept_without_secrets(
    instance: dg.DagsterInstance, database_url: str, log: pytest.LogCaptureFixture
) -> None:
    @dg.op(config_schema={"said": str})
    def says(context: dg.OpExecutionContext) -> None:
        context.log.info("told %s", context.op_config["said"])
        context.log.warning(echo())
        dg.get_dagster_logger().error(echo())
        context.add_output_metadata({"said": echo(), "as JSON": dg.JsonMetadataValue([echo()])})
        context.log_event(dg.AssetObservation("x", metadata={"said": dg.MetadataValue.md(echo())}))

    @dg.job
    def saying() -> None:
        says()

    told = ENVIRON["API_AUTH_TOKEN"]
    config = {"ops": {"says": {"config": {"said": told}}}}
    run = saying.execute_in_process(config, instance=instance, tags={"said": told})
    assert run.success
    kept = instance.get_run_by_id(run.run_id)
    assert kept is not None
    assert kept.run_config["ops"]["says"]["config"] == {"said": MARK}
    assert kept.tags["said"] == MARK
    assert tables_showing(database_url, FORMS) == []
    assert shown(log.text) == []


def test_a_resource_that_can_not_be_built_shows_none(
    desk: Desk, instance: dg.DagsterInstance, database_url: str, log: pytest.LogCaptureFixture
) -> None:
    @dg.resource
    def broken(_context: dg.InitResourceContext) -> None:
        raise chained(ValueError)

    result = exit_job.execute_in_process(
        resources=desk.resources | {"broker": broken}, instance=instance, raise_on_error=False
    )
    assert not result.success
    assert tables_showing(database_url, FORMS) == []
    assert shown(log.text) == []


def test_a_database_that_is_not_there_is_told_without_its_password() -> None:
    engine = make_engine(ENVIRON["OTHER_DATABASE_URL"])
    with pytest.raises(UnavailableError) as failed, transaction(engine):
        pass
    assert shown("".join(traceback.format_exception(failed.value))) == []


def test_a_notifier_whose_webhook_refuses_is_logged_without_its_address(
    log: pytest.LogCaptureFixture,
) -> None:
    address = ENVIRON["EXIT_WEBHOOK_URL"]
    response = httpx.Response(403, request=httpx.Request("POST", address), text=echo())
    try:
        response.raise_for_status()
    except httpx.HTTPStatusError:
        logging.getLogger("httpx").exception("POST %s", address)
        logging.getLogger("exit_pipeline").exception("%s", response.text)
    assert "https://hooks.example.com/" in log.text
    assert shown(log.text) == []


@pytest.mark.parametrize(
    "arguments",
    [
        [ENVIRON["API_AUTH_TOKEN"]],
        ["tick", "--no-such-option", ENVIRON["API_AUTH_TOKEN"]],
        ["tick", "--policy", ENVIRON["TRADIER_API_KEY"]],
        ["tick", "--as-of", ENVIRON["TRADIER_API_KEY"]],
        ["explain", ENVIRON["TRADIER_API_KEY"]],
        ["doctor"],
    ],
    ids=["a command", "an argument", "a policy", "a time", "a position", "a database"],
)
def test_a_mistake_on_the_command_line_is_told_without_secrets(
    arguments: list[str],
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    at = ENVIRON["OTHER_DATABASE_URL"] if arguments == ["doctor"] else database_url
    monkeypatch.setenv("DATABASE_URL", at)
    result = CliRunner().invoke(group, arguments)
    assert result.exit_code
    assert shown(result.output) == []
    assert shown(repr(result.exception)) == []
