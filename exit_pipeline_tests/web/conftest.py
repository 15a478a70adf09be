"""The service over a desk of the tests: the real job, a real Postgres, the paper broker."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from exit_pipeline.defs.one_run import OneRun
from exit_pipeline.defs.resources import newest_migration
from exit_pipeline.services.health import Place
from exit_pipeline.web.app import make_app
from exit_pipeline.web.boundary import Rates
from exit_pipeline.web.desk import Desk as ServiceDesk
from exit_pipeline.web.rates import Buckets, Rate
from exit_pipeline_tests.canaries import CANARIES
from exit_pipeline_tests.desk import CALL, Desk
from exit_pipeline_tests.web.caller import Caller

TOKEN = CANARIES["API_AUTH_TOKEN"]
BEARER = {"Authorization": f"Bearer {TOKEN}"}
GENEROUS = Rate(at_once=1_000_000, a_second=1_000_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let Dagster, making resources, call what it has itself deprecated."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore::DeprecationWarning:dagster"))


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    """A desk with one position at a profit of 5 %, quoted."""
    found = Desk(database_url)
    found.hold("a")
    found.quote(CALL, "2.05", "2.15")
    yield found
    found.engine.dispose()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """What keeps the runs."""
    with dg.DagsterInstance.ephemeral() as found:
        yield found


@pytest.fixture
def service(desk: Desk, instance: dg.DagsterInstance) -> ServiceDesk:
    """What the service works with."""

    @contextmanager
    def opened() -> Iterator[dg.DagsterInstance]:
        yield instance

    return ServiceDesk(
        open_database=lambda: desk.database,
        resources=lambda: desk.resources,
        calendar=desk.calendar,
        clock=desk.clock,
        place=Place(broker="paper", environment="paper", schema=newest_migration()),
        runs=OneRun(desk.clock, opened),
    )


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    """An event loop in a thread of its own."""
    with start_blocking_portal() as found:
        yield found


@pytest.fixture
def make_client(service: ServiceDesk, portal: BlockingPortal) -> Callable[..., Caller]:
    """Makes callers of the service, by default with the token and without being hurried."""

    def make(*, rates: Rates | None = None, headers: dict[str, str] | None = None) -> Caller:
        free = Rates(asking=Buckets(GENEROUS), guessing=Buckets(GENEROUS))
        app = make_app(service, TOKEN, rates or free)
        return Caller(portal, app, BEARER if headers is None else headers)

    return make


@pytest.fixture
def client(make_client: Callable[..., Caller]) -> Caller:
    """A caller with the token."""
    return make_client()
