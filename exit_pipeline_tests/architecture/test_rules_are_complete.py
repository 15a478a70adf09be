"""Each exit rule is one file with all that a rule needs, and has a test."""

import ast
import importlib
import pkgutil
from pathlib import Path

import pytest

import exit_pipeline_tests
from exit_pipeline.core import rules
from exit_pipeline.core.engine.policy import rule_classes
from exit_pipeline.core.model.rule import ExitRule

NAMES = sorted(module.name for module in pkgutil.iter_modules(rules.__path__))
TESTS = Path(exit_pipeline_tests.__file__).parent / "core" / "rules"
by_name = pytest.mark.parametrize("name", NAMES)


def module_of(name):
    return importlib.import_module(f"{rules.__name__}.{name}")


@by_name
def test_a_rule_has_a_test_module(name):
    assert (TESTS / f"test_{name}.py").is_file()


@by_name
def test_a_rule_is_named_like_its_module(name):
    assert name == module_of(name).RULE.name
    assert issubclass(module_of(name).RULE, ExitRule)


@by_name
def test_a_rule_module_ends_with_the_rule(name):
    source = Path(module_of(name).__file__).read_text(encoding="utf-8")
    assert ast.unparse(ast.parse(source).body[-1]) == f"RULE = {module_of(name).RULE.__name__}"


@by_name
def test_a_rule_knows_no_other_rule(name):
    tree = ast.parse(Path(module_of(name).__file__).read_text(encoding="utf-8"))
    imported = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not any("core.rules" in one or "core.engine" in one for one in imported)


@by_name
def test_a_rule_describes_itself_and_each_of_its_thresholds(name):
    rule = module_of(name).RULE
    assert rule.__doc__ != ExitRule.__doc__
    assert all(field.description for field in rule.model_fields.values())
    assert rule.model_config["frozen"]
    assert rule.sentence.format(observed="1", threshold="2")


@by_name
def test_a_rule_decides_with_its_defaults_alone(name):
    assert module_of(name).RULE() == module_of(name).RULE()


def test_ranks_are_unique_and_every_rule_is_in_the_default_order():
    ranks = [rule.rank for rule in rule_classes().values()]
    assert ranks == sorted(set(ranks))
    assert sorted(rule_classes()) == NAMES
