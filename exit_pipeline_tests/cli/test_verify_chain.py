"""The command that proves that no record was changed."""

import json
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result

from exit_pipeline.cli import group
from exit_pipeline_tests.desk import CALL, Desk
from exit_pipeline_tests.tampering import TAMPER


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    """One position, sold by the first of two ticks."""
    found = Desk(database_url)
    found.hold("a")
    for _ in range(2):
        found.quote(CALL, "4.00", "4.10")
        found.tick()
        found.later()
    yield found
    found.engine.dispose()


@pytest.mark.usefixtures("desk")
def test_an_untouched_chain_is_told_with_the_link_to_keep(run: Callable[..., Result]) -> None:
    first, anchor = run("verify-chain").output.splitlines()
    assert first == "2 links: nothing was changed"
    assert anchor.startswith("anchor 2:")
    kept = anchor.removeprefix("anchor ")
    assert run("verify-chain", "--anchor", kept, "--since", "2020-01-01").output.endswith(
        f"{anchor}\n"
    )
    assert run("verify-chain", "--since", "2999-01-01").output.startswith("0 links")


def test_a_deleted_fill_is_told_and_fails(desk: Desk) -> None:
    desk.rows_changed(f"{TAMPER}DELETE FROM trades")
    result = CliRunner().invoke(group, ["verify-chain"])
    assert result.exit_code == 1
    assert result.output.splitlines()[0].startswith("link 1: the fill ")
    assert result.output.splitlines()[0].endswith(" is missing")
    assert result.output.splitlines()[1] == "2 links: 1 don't fit"
    told = CliRunner().invoke(group, ["verify-chain", "--json"])
    assert told.exit_code == 1
    assert [one["kind"] for one in json.loads(told.output)["faults"]] == ["fill"]


def test_many_faults_are_counted(desk: Desk) -> None:
    desk.rows_changed(
        f"{TAMPER}INSERT INTO refactored_decisions (id, run_id, position_id)"
        " SELECT 'forged-' || n, run_id, 'z' || n FROM audit_links, generate_series(1, 30) AS n"
        " WHERE seq = 1"
    )
    result = CliRunner().invoke(group, ["verify-chain"])
    assert "and 10 more" in result.output


def test_without_a_run_there_is_nothing_to_prove(run: Callable[..., Result]) -> None:
    assert run("verify-chain").output == "0 links: nothing was changed\n"


def test_an_anchor_that_is_none_is_one_sentence(refusal: Callable[..., str]) -> None:
    assert refusal("verify-chain", "--anchor", "x").startswith("anchor is 'x'; expected")
