"""Trading is resumed by a person at the command line, never by a run."""

import ast
from pathlib import Path

import pytest

import exit_pipeline

PACKAGE = Path(exit_pipeline.__file__).parent
MODULES = sorted(
    path
    for part in ("core", "defs", "services", "sample")
    for path in (PACKAGE / part).rglob("*.py")
)
FORBIDDEN_NAMES = {"move", "resume"}
"""What moves the switch anywhere (``ControlStore.move``), and the command that resumes."""


def offences(source):
    """What could make trading ACTIVE: the store's method by any way, its table, the command."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in FORBIDDEN_NAMES:
            found.append(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value in FORBIDDEN_NAMES or "trading_control" in node.value:
                found.append(node.value)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [name.name for name in node.names] + [getattr(node, "module", None) or ""]
            found += [name for name in names if name.startswith("exit_pipeline.cli")]
            found += [name for name in names if name in FORBIDDEN_NAMES]
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_that_a_run_executes_can_make_trading_active(module):
    assert offences(module.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "is_one"),
    [
        ("database.control.move(TradingState.ACTIVE, 'x', 'y')", True),
        ("method = control.move", True),
        ("getattr(control, 'move')('ACTIVE')", True),
        ("sql = 'UPDATE trading_control SET state = 1'", True),
        ("from exit_pipeline.cli.switch import resume", True),
        ("import exit_pipeline.cli", True),
        ("from somewhere import resume", True),
        ("database.control.halt('an anomaly')", False),
        ("state is TradingState.ACTIVE", False),
        ("database.control.read()", False),
    ],
)
def test_the_check_finds_every_way_and_leaves_halting_and_reading(source, is_one):
    assert bool(offences(source)) is is_one
