"""Full days that once broke an invariant, each with what was wrong.

All are ordinary days, as those were that found them.
"""

from collections.abc import Iterator

import pytest

from exit_pipeline.adapters.clients.embedded_postgres import EmbeddedServer
from exit_pipeline_tests.simulation.database import SimDatabase, simulated_database
from exit_pipeline_tests.simulation.simulator import simulate

STORIES = {
    19: "Tradier showed some positions for forty minutes; rows closed and nobody watched them",
    49: "keys were refused long before an exit was due, and the old alert hid it",
    81: "Alpaca showed no positions at all for long, and three rows were closed for good",
    183: "a late copy of an id that Alpaca has was taken for one that still makes an order",
    247: "a fill told late was taken for what a lost order may have sold, so neither was booked",
    471: "a process froze on its way to the last gate, which judged its age by the past",
    491: "an order that the paper broker refused as too late was judged as if it had been taken",
    1018: "an order that the network delivered twice sold more, with nothing of it held any more",
    1036: "the same, with nothing held in the whole account, so that nobody looked at it",
    1221: "an order sent again was given up by its first sending's age, and came late: sold twice",
}


@pytest.fixture(scope="module")
def database(server: EmbeddedServer) -> Iterator[SimDatabase]:
    with simulated_database(server.url, "found") as made:
        yield made


@pytest.mark.parametrize("seed", STORIES, ids=[f"{seed}: {STORIES[seed]}" for seed in STORIES])
def test_a_day_that_once_went_wrong_goes_well(database: SimDatabase, seed: int) -> None:
    assert [str(one) for one in simulate(seed, database, theme="").violations] == []
