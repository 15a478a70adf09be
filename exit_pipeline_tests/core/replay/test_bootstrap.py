import numpy as np
import pytest

from exit_pipeline.core.replay import bootstrap as module
from exit_pipeline.core.replay.bootstrap import bootstrap


def seeded(seed=1):
    return np.random.default_rng(seed)


def test_the_interval_of_a_worked_example_is_that_of_the_binomial_distribution():
    """8 of +10 and 2 of -20: a resampled mean is 10 less 3 for each -20 drawn.

    Of 10 draws with a chance of 0.2 each, 6 or more come with 0.6 %, 5 or more with 3.3 % and none
    with 10.7 %, so that the lowest 2.5 % of the means reach up to -5, the highest down to 10.
    """
    found = bootstrap(np.array([10] * 8 + [-20] * 2), seeded(), resamples=20_000)
    assert found.mean == 4
    assert (found.low, found.high) == pytest.approx((-5, 10))
    assert (found.level, found.count) == (0.95, 10)


def test_the_interval_of_many_is_that_of_the_normal_distribution():
    amounts = seeded().normal(100, 50, 4_000).astype(np.int64)
    found = bootstrap(amounts, seeded(2))
    away = 1.96 * amounts.std() / np.sqrt(len(amounts))
    assert found.low == pytest.approx(found.mean - away, abs=0.15)
    assert found.high == pytest.approx(found.mean + away, abs=0.15)


def test_a_seed_gives_one_interval_and_another_seed_another_one():
    amounts = np.arange(50) ** 2
    assert bootstrap(amounts, seeded()) == bootstrap(amounts, seeded())
    assert bootstrap(amounts, seeded()) != bootstrap(amounts, seeded(2))


def test_a_lower_level_is_narrower():
    amounts = np.arange(50) ** 2
    wide, narrow = (bootstrap(amounts, seeded(), level=level) for level in (0.95, 0.5))
    assert wide.low < narrow.low < narrow.mean < narrow.high < wide.high


def test_portions_draw_as_all_at_once(monkeypatch):
    amounts = np.arange(50) ** 2
    whole = bootstrap(amounts, seeded())
    monkeypatch.setattr(module, "_AT_A_TIME", 120)
    assert bootstrap(amounts, seeded()) == whole


def test_of_nothing_no_interval_is_known():
    found = bootstrap(np.zeros(0, np.int64), seeded())
    assert np.isnan([found.mean, found.low, found.high]).all()
    assert found.count == 0


def test_one_amount_is_its_own_interval():
    found = bootstrap(np.array([7]), seeded())
    assert (found.low, found.mean, found.high) == (7, 7, 7)
