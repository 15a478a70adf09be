"""The core and the ports import nothing that could read, write, wait or ask the time."""

import ast
from pathlib import Path

import pytest

import exit_pipeline

PACKAGE = Path(exit_pipeline.__file__).parent
MODULES = [path for part in ("core", "ports") for path in sorted((PACKAGE / part).rglob("*.py"))]
ALLOWED = {
    "__future__", "abc", "collections", "dataclasses", "datetime", "decimal", "enum", "functools",
    "hashlib", "importlib", "itertools", "json", "math", "pkgutil", "re", "statistics", "typing",
    "numpy", "pydantic", "scipy.special", "exit_pipeline.core",
}  # fmt: skip
# A port may name a time zone, where the core is given instants, and something to be entered.
ALLOWED_IN_PORTS = {"contextlib.AbstractContextManager", "exit_pipeline.ports", "zoneinfo"}
BANNED_CALLS = {"open", "print", "input", "eval", "exec", "__import__", "now", "today", "utcnow"}


def imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module}.{name.name}" for name in node.names)


def is_allowed(name, allowed):
    return any(name == one or name.startswith(f"{one}.") for one in allowed)


def called(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            yield function.attr if isinstance(function, ast.Attribute) else ast.unparse(function)


def of(module):
    return ast.parse(module.read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_of_the_core_imports_only_what_is_allowed(module):
    allowed = ALLOWED | (ALLOWED_IN_PORTS if PACKAGE / "ports" in module.parents else set())
    assert [name for name in imports(of(module)) if not is_allowed(name, allowed)] == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_of_the_core_neither_asks_the_time_nor_reads_or_writes(module):
    assert BANNED_CALLS & set(called(of(module))) == set()


@pytest.mark.parametrize(
    ("source", "allowed"),
    [
        ("import json", True), ("from numpy.typing import NDArray", True),
        ("from scipy.special import erf", True), ("from scipy import special", True),
        ("from scipy import optimize", False), ("import os", False), ("import numpy, time", False),
        ("import collectionsx", False), ("from exit_pipeline import services", False),
        ("from exit_pipeline.core import rules", True), ("from . import rules", False),
        ("def late():\n    import socket", False),
    ],
)  # fmt: skip
def test_the_list_catches_what_is_not_on_it(source, allowed):
    assert all(is_allowed(name, ALLOWED) for name in imports(ast.parse(source))) is allowed
