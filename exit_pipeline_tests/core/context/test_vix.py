"""VIX: bands, term structure, change and percentile."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from exit_pipeline.core.context.vix import VixInputs, VixSettings, read_vix, vix_band
from exit_pipeline.core.model.daily import DailyCloses
from exit_pipeline.core.model.market_state import TermStructure, VixBand
from exit_pipeline.core.model.reading import Reading

MOMENT = datetime(2026, 3, 18, 15, 0, tzinfo=UTC)
SESSION, BEFORE = date(2026, 3, 18), date(2026, 3, 17)
SETTINGS = VixSettings()
LEVELS = st.floats(5, 60)
BANDS = st.sampled_from(list(VixBand))


def reading(value, minutes_old=5.0):
    at = MOMENT - timedelta(minutes=minutes_old)
    return Reading(value=value, at=at, source="Cboe", age_limit=timedelta(minutes=30))


def history(*closes, last=BEFORE):
    days = [last - timedelta(days=len(closes) - 1 - i) for i in range(len(closes))]
    return DailyCloses.of(zip(days, closes, strict=True))


def judged(settings=SETTINGS, previous=None, **given_):
    fields = {"moment": MOMENT, "session": SESSION, "previous_session": BEFORE,
              "vix": reading(18.0), "vix3m": reading(20.0), "vix9d": reading(17.1),
              "history": history(*[16.0] * 60)}  # fmt: skip
    return read_vix(VixInputs(**(fields | given_)), settings, previous)


@pytest.mark.parametrize(
    ("level", "band"),
    [
        (9.0, "CALM"), (14.99, "CALM"), (15.0, "NORMAL"), (19.99, "NORMAL"), (20.0, "ELEVATED"),
        (29.99, "ELEVATED"), (30.0, "STRESSED"), (39.99, "STRESSED"), (40.0, "PANIC"),
        (82.69, "PANIC"),
    ],
)  # fmt: skip
def test_without_a_band_before_the_edges_alone_decide(level, band):
    assert vix_band(level, SETTINGS, None).name == band


@pytest.mark.parametrize(
    ("levels", "bands"),
    [
        pytest.param([19.9, 20.0, 19.9, 19.5, 19.49, 19.9], "N E E E N N",
                     id="up at the edge, down below the margin"),
        pytest.param([14.9, 15.1, 14.9, 15.1, 14.6], "C N N N N", id="no flicker at an edge"),
        pytest.param([18, 41, 39.6, 39.4, 29.6, 29.4, 14.4], "N P P S S E C",
                     id="each edge on the way down has its margin"),
        pytest.param([41, 29.7], "P S", id="a fall by two bands stops at the margin of a third"),
        pytest.param([12, 35], "C S", id="a leap is believed at once"),
    ],
)  # fmt: skip
def test_bands_follow_a_sequence_of_levels(levels, bands):
    band, seen = None, []
    for level in levels:
        band = vix_band(level, SETTINGS, band)
        seen.append(band.name[0])
    assert seen == bands.split()


@given(LEVELS, BANDS)
def test_a_band_is_settled_after_one_step(level, previous):
    once = vix_band(level, SETTINGS, previous)
    assert vix_band(level, SETTINGS, once) == once


@given(LEVELS, BANDS)
def test_no_band_is_below_the_plain_one_nor_more_than_the_margin_above(level, previous):
    band = vix_band(level, SETTINGS, previous)
    assert vix_band(level, SETTINGS, None) <= band
    # Taken with a hair of room, since level and edge are added in another order here.
    assert band <= max(vix_band(level + 0.5 + 1e-9, SETTINGS, None), VixBand.CALM)


@given(LEVELS, LEVELS, BANDS)
def test_of_two_levels_the_higher_never_has_the_lower_band(one, other, previous):
    low, high = (vix_band(level, SETTINGS, previous) for level in sorted((one, other)))
    assert low <= high


@given(st.floats(0, 0.49), BANDS, st.sampled_from([15, 20, 30, 40]))
def test_a_level_that_wavers_within_the_margin_changes_its_band_once_at_most(width, start, edge):
    band, changes = start, 0
    for level in [edge + width / 2, edge - width / 2] * 5:
        following = vix_band(level, SETTINGS, band)
        changes += following != band
        band = following
    assert changes <= 1


def test_a_width_of_zero_is_no_hysteresis():
    assert vix_band(19.99, VixSettings(hysteresis_points=0), VixBand.ELEVATED) is VixBand.NORMAL


def test_everything_known_is_judged_and_nothing_noted():
    vix = judged()
    assert (vix.state, vix.level, vix.band, vix.memory) == (
        "FRESH", 18.0, VixBand.NORMAL, VixBand.NORMAL)  # fmt: skip
    assert (vix.vix3m_ratio, vix.vix9d_ratio) == (0.9, pytest.approx(0.95))
    assert vix.term_structure is vix.front_structure is TermStructure.CONTANGO
    assert (vix.change_percent, vix.percentile) == (12.5, 1.0)
    assert vix.notes == ()


@pytest.mark.parametrize(
    ("vix", "vix3m", "structure"),
    [
        pytest.param(20.0, 20.0, "CONTANGO", id="exactly 1.0"),
        pytest.param(20.01, 20.0, "BACKWARDATION", id="above 1.0"),
        pytest.param(15.0, 20.0, "CONTANGO", id="below"),
    ],
)
def test_backwardation_is_a_ratio_above_one(vix, vix3m, structure):
    assert judged(vix=reading(vix), vix3m=reading(vix3m)).term_structure.name == structure


def test_the_front_may_be_inverted_while_the_term_structure_is_not():
    vix = judged(vix9d=reading(19.0))
    assert vix.front_structure is TermStructure.BACKWARDATION
    assert vix.term_structure is TermStructure.CONTANGO


@pytest.mark.parametrize(
    ("vix", "state", "note"),
    [
        pytest.param(reading(None), "MISSING", "VIX is missing: Cboe gave no number.", id="none"),
        pytest.param(reading(18.0, 31), "STALE",
                     "VIX of Cboe is 31 minutes old, above the limit of 30 minutes.", id="old"),
        pytest.param(reading(0.0), "MISSING", "VIX of Cboe is 0, which is no level.", id="zero"),
        pytest.param(reading(-1.0), "MISSING", "VIX of Cboe is -1, which is no level.",
                     id="negative"),
    ],
)  # fmt: skip
def test_a_vix_that_is_not_known_is_no_calm_one(vix, state, note):
    one = judged(vix=vix, previous=VixBand.ELEVATED)
    assert one.state == state
    assert {one.level, one.band, one.vix3m_ratio, one.vix9d_ratio, one.term_structure,
            one.front_structure, one.change_percent, one.percentile} == {None}  # fmt: skip
    assert one.notes == (note,)
    assert one.memory is VixBand.ELEVATED


def test_any_positive_level_is_a_level():
    assert judged(vix=reading(0.5)).band is VixBand.CALM


def test_after_a_gap_the_band_goes_on_from_the_last_that_was_known():
    gap = judged(vix=reading(None), previous=VixBand.ELEVATED)
    assert judged(vix=reading(19.8), previous=gap.memory).band is VixBand.ELEVATED


def test_a_far_level_that_is_missing_costs_only_its_ratio():
    one = judged(vix3m=reading(None), vix9d=reading(17.0, 31))
    assert (one.band, one.term_structure, one.front_structure) == (VixBand.NORMAL, None, None)
    assert len(one.notes) == 2


@pytest.mark.parametrize(("minutes_old", "known"), [(25.0, True), (25.5, False)])
def test_levels_far_apart_in_time_make_no_ratio(minutes_old, known):
    one = judged(vix3m=reading(20.0, minutes_old))
    assert (one.vix3m_ratio is not None) is known
    assert (one.notes == ()) is known


def test_the_change_needs_the_close_of_the_session_before_and_takes_no_older_one():
    one = judged(history=history(*[16.0] * 60, last=date(2026, 3, 16)))
    assert one.change_percent is None
    assert one.notes == ("No VIX close of 2026-03-17 is stored.",)


def test_the_close_of_the_session_itself_is_not_looked_at():
    with_today = history(*[16.0] * 60, 99.0, last=SESSION)
    assert judged(history=with_today) == judged()
    assert judged(history=with_today, previous_session=SESSION).change_percent is None


@pytest.mark.parametrize(
    ("closes", "percentile"),
    [
        pytest.param([18.0] * 60, 1.0, id="at counts as at or below"),
        pytest.param([17.0] * 15 + [18.5] * 45, 0.25, id="a quarter below"),
        pytest.param([18.01] * 60, 0.0, id="none"),
        pytest.param([17.0] * 59, None, id="a day too few"),
    ],
)
def test_the_percentile_is_the_share_of_days_at_or_below(closes, percentile):
    one = judged(history=history(*closes))
    assert one.percentile == percentile
    if percentile is None:
        assert one.notes == ("59 VIX closes are stored of the 60 a percentile needs.",)


def test_the_percentile_looks_back_no_further_than_its_window():
    old = history(*[50.0] * 400, last=BEFORE - timedelta(days=60))
    recent = history(*[16.0] * 60)
    both = DailyCloses.of(
        [(day.astype(object), close)
         for part in (old, recent) for day, close in zip(part.day, part.close, strict=True)]
    )  # fmt: skip
    assert judged(VixSettings(percentile_window_days=60), history=both).percentile == 1.0
    assert judged(history=both).percentile == pytest.approx(60 / 365)
    only_old = history(*[16.0] * 100, last=SESSION - timedelta(days=400))
    assert judged(history=only_old).percentile is None


@pytest.mark.parametrize(
    "settings",
    [{"normal_from": 20}, {"panic_from": 29}, {"hysteresis_points": -1}, {"normal_from": 0}],
)
def test_senseless_settings_are_refused(settings):
    with pytest.raises(ValidationError):
        VixSettings(**settings)
