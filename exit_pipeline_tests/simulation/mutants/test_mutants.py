"""Some of the mutants are found again, and all of them leave no trace."""

from collections.abc import Iterator
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
from rich.console import Console

from exit_pipeline.adapters.clients.embedded_postgres import EmbeddedServer
from exit_pipeline_tests.simulation.database import SimDatabase, simulated_database
from exit_pipeline_tests.simulation.mutants import hunt as hunts
from exit_pipeline_tests.simulation.mutants.catalogue import ALL, BY_NAME
from exit_pipeline_tests.simulation.mutants.hunt import Kill, Sound, hunt
from exit_pipeline_tests.simulation.mutants.mutant import Mutant, text, together, value, wrapped
from exit_pipeline_tests.simulation.mutants.shows import SHOWS_IN
from exit_pipeline_tests.simulation.mutants.table import KEPT, Found, Table
from exit_pipeline_tests.simulation.themes import THEMES, theme_of

TICKS = 16
QUIET = SimpleNamespace(violations=())
_SCHEMA = """
    SELECT 'index' AS kind, indexdef AS text FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT 'trigger', concat(tgrelid::regclass, tgname, tgenabled) FROM pg_trigger
    UNION ALL SELECT 'check', concat(conrelid::regclass, pg_get_constraintdef(oid))
              FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    ORDER BY 1, 2
"""


@pytest.fixture(scope="module")
def database(server: EmbeddedServer) -> Iterator[SimDatabase]:
    with simulated_database(server.url, "mutants") as made:
        yield made


@pytest.mark.parametrize(
    ("name", "told_by"),
    [
        ("posts_first", "I5"),
        ("costs_are_lost", "I8"),
    ],
)
def test_a_mistake_in_the_program_is_found_by_the_first_seeds(database, name, told_by):
    kill = hunt(BY_NAME[name], range(1, 13), database, Sound(TICKS))
    assert kill is not None
    assert told_by in kill.invariants


def test_after_a_mutant_the_program_and_its_database_are_as_before(database):
    before = database.rows(_SCHEMA)
    for mutant in ALL:
        with mutant.applied(database):
            pass
    assert database.rows(_SCHEMA) == before
    assert hunt(Mutant(name="none", breaks="", changes=()), [2], database, Sound(6)) is None


def test_a_mutant_is_not_hunted_in_seeds_where_it_can_make_no_difference(database):
    nowhere = Mutant(name="x", breaks="", changes=(), brokers=frozenset())
    assert hunt(nowhere, range(1, 10_000), database, Sound()) is None


def test_a_mutant_is_hunted_only_on_days_with_the_theme_that_brings_it_out(database, monkeypatch):
    monkeypatch.setitem(SHOWS_IN, "none", "hands")
    tried = []
    monkeypatch.setattr(hunts, "simulate", lambda seed, *_, **__: tried.append(seed) or QUIET)
    nothing = Mutant(name="none", breaks="", changes=())
    assert hunt(nothing, range(1, 60), database, Sound(6)) is None
    assert tried == [seed for seed in range(1, 60) if theme_of(seed) == "hands"]
    assert tried


def test_what_brings_mutants_out_are_themes_that_there_are():
    assert SHOWS_IN.keys() <= BY_NAME.keys()
    assert set(SHOWS_IN.values()) <= THEMES.keys()


def test_what_a_seed_breaks_anyway_finds_no_mutant(database, monkeypatch):
    sound = Sound(2)
    monkeypatch.setitem(sound._known, 2, frozenset({"I16"}))
    assert hunt(BY_NAME["no_history"], [2], database, sound) is None


def test_changes_of_one_attribute_add_up_and_are_undone():
    owner = SimpleNamespace(number=1, words="a statement")
    changes = (
        wrapped(owner, "number", lambda before: before + 10),
        wrapped(owner, "number", lambda before: before * 2),
        text(owner, "words", "statement", "mistake"),
    )
    with ExitStack() as stack:
        for change in changes:
            change(None, stack)
        assert (owner.number, owner.words) == (22, "a mistake")
    assert (owner.number, owner.words) == (1, "a statement")


def test_a_part_that_a_statement_no_longer_has_is_an_error():
    owner = SimpleNamespace(words="a statement")
    with ExitStack() as stack, pytest.raises(ValueError, match="words has no 'question'"):
        text(owner, "words", "question", "")(None, stack)


def test_several_safeguards_are_taken_out_together_where_all_of_them_matter():
    owner = SimpleNamespace(a=1, b=1)
    parts = [
        Mutant(name=name, breaks="", changes=(value(owner, name, 2),), brokers=brokers)
        for name, brokers in (
            ("a", frozenset({"paper", "alpaca"})),
            ("b", frozenset({"alpaca", "tradier"})),
        )
    ]
    both = together("both", "neither holds", *parts)
    with both.applied(None):
        assert (owner.a, owner.b) == (2, 2)
    assert both.brokers == {"alpaca"}


def test_each_mutant_has_a_name_of_its_own():
    assert len(BY_NAME) == len(ALL)
    assert len(ALL) >= 20


def _found(name: str, seed: int | None, guarded_by: str = "") -> Found:
    kill = seed and Kill(seed=seed, broker="paper", invariants=("I1",), message="I1: too many")
    mutant = Mutant(name=name, breaks="a safeguard", changes=(), guarded_by=guarded_by)
    return Found.of(mutant, kill or None, range(11, 111), 24)


def test_the_table_counts_what_is_killed_harmless_and_a_hole():
    table = Table()
    for found in (
        _found("a", 11),
        _found("b", 20),
        _found("c", None, "another"),
        _found("d", None),
    ):
        table.add(found)
    assert table.figures() == {
        "killed": 2,
        "total": 3,
        "harmless_alone": 1,
        "median_seeds": 5.5,
        "most_seeds": 10,
    }
    assert [one.name for one in table.holes] == ["d"]
    console = Console(record=True, width=140)
    table.show(console)
    shown = console.export_text()
    assert "killed 2 of 3" in shown
    assert "in 100 seeds harmless alone: another" in " ".join(shown.split())
    assert "SURVIVED" in shown


def test_rows_that_are_not_hunted_for_again_are_taken_over(tmp_path):
    before, after = Table(), Table()
    for found in (_found("a", 11), _found("b", 20), _found("c", None, "another")):
        before.add(found)
    before.save(tmp_path / "kept.json")
    after.load(tmp_path / "kept.json", {"b", "c", "d"})
    assert after.found == {"b": _found("b", 20), "c": _found("c", None, "another")}
    after.load(tmp_path / "absent.json", {"a"})
    assert len(after.found) == 2


def test_the_kept_table_has_every_mutant_and_all_that_can_be_were_found_by_few_seeds():
    table = Table()
    table.load(KEPT, BY_NAME)
    assert table.found.keys() == BY_NAME.keys()
    assert [one.name for one in table.holes] == []
    assert table.figures()["median_seeds"] < 100
