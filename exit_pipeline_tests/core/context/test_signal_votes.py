"""Votes of signals: whose, about what, and until when."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from exit_pipeline.core.context.signal_votes import Listeners, SignalSettings, count_votes
from exit_pipeline.core.model.direction import Direction
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.instant import MINUTES, to_datetime
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.model.signal import Signal

NOON = 1_773_835_200_000_000
ENTRY = NOON - 1_000 * MINUTES
CALL, PUT = Direction.CALL, Direction.PUT


def a_signal(direction=PUT, source="TRADINGVIEW", minutes_ago=10.0, symbol="SPY", timeframe="15m"):
    at = to_datetime(NOON) - timedelta(minutes=minutes_ago)
    return Signal(symbol=symbol, timeframe=timeframe, source=source, direction=direction, at=at)


def a_listener(underlying="SPY", timeframe="15m", view=1, entry=ENTRY, decided_at=NOON):
    return (underlying, timeframe, view, entry, decided_at)


def votes(signals, *listeners, **settings):
    """Pairs of heard and opposing weights, one per listener."""
    columns = list(zip(*(listeners or [a_listener()]), strict=True))
    rows = Listeners(
        underlying=columns[0], timeframe=columns[1], view=np.array(columns[2], np.int8),
        entry_time=np.array(columns[3]), decided_at=np.array(columns[4]),
    )  # fmt: skip
    counted = count_votes(signals, rows, SignalSettings(**settings))
    return list(zip(counted.heard.tolist(), counted.opposing.tolist(), strict=True))


@pytest.mark.parametrize(
    ("source", "weight"),
    [("TRADINGVIEW", 1.0), ("GEX", 0.9), ("MTF", 0.85), ("MANUAL", 0.7), ("DISCORD", 0.5),
     (" TradingView ", 1.0), ("", 0.5)],
)  # fmt: skip
def test_each_source_has_its_weight(source, weight):
    assert votes([a_signal(source=source)]) == [(weight, weight)]


def test_the_worked_number_of_two_sources():
    signals = [a_signal(CALL, minutes_ago=20), a_signal(PUT, minutes_ago=10),
               a_signal(CALL, "MANUAL")]  # fmt: skip
    assert votes(signals) == [(1.7, 1.0)]


def test_a_source_that_repeats_itself_has_one_voice():
    assert votes([a_signal(minutes_ago=i) for i in range(1, 30)]) == [(1.0, 1.0)]


def test_the_order_in_which_signals_arrive_does_not_matter():
    signals = [a_signal(PUT, minutes_ago=20), a_signal(CALL, minutes_ago=10)]
    assert votes(signals) == votes(signals[::-1]) == [(1.0, 0.0)]


@pytest.mark.parametrize(
    ("view", "direction", "opposes"), [(1, PUT, 1), (1, CALL, 0), (-1, PUT, 0), (-1, CALL, 1)]
)
def test_a_signal_is_judged_by_the_view(view, direction, opposes):
    assert votes([a_signal(direction)], a_listener(view=view)) == [(1.0, opposes)]


HEARD, NOT_HEARD = [(1.0, 1.0)], [(0.0, 0.0)]


@pytest.mark.parametrize(
    ("signal", "listener", "expected"),
    [
        pytest.param({"minutes_ago": 239.9}, {}, HEARD, id="just young enough"),
        pytest.param({"minutes_ago": 240}, {}, NOT_HEARD, id="exactly too old"),
        pytest.param({"minutes_ago": 0}, {}, HEARD, id="at the decision"),
        pytest.param({"minutes_ago": -0.01}, {}, NOT_HEARD, id="after the decision"),
        pytest.param({}, {"entry": NOON - 10 * MINUTES}, NOT_HEARD, id="at the entry"),
        pytest.param({}, {"entry": NOON - 11 * MINUTES}, HEARD, id="after the entry"),
        pytest.param({}, {"entry": UNKNOWN}, NOT_HEARD, id="entry not known"),
        pytest.param({}, {"decided_at": UNKNOWN}, NOT_HEARD, id="decision not known"),
        pytest.param({}, {"view": 0}, NOT_HEARD, id="contract not known"),
        pytest.param({"symbol": "QQQ"}, {}, NOT_HEARD, id="another symbol"),
        pytest.param({"symbol": " spy"}, {}, HEARD, id="another case"),
        pytest.param({"timeframe": "1h"}, {}, NOT_HEARD, id="another timeframe"),
        pytest.param({"timeframe": "15"}, {}, HEARD, id="another spelling of the timeframe"),
        pytest.param({"timeframe": None}, {"timeframe": None}, NOT_HEARD, id="no timeframe"),
        pytest.param({"direction": Direction.NONE}, {}, NOT_HEARD, id="no direction"),
    ],
)
def test_only_news_of_the_same_symbol_and_timeframe_is_heard(signal, listener, expected):
    assert votes([a_signal(**signal)], a_listener(**listener)) == expected


def test_an_old_signal_speaks_again_when_asked_about_its_own_time():
    """A replay of the past hears what was newest then, not what came later."""
    signals = [a_signal(PUT, minutes_ago=300), a_signal(CALL, minutes_ago=10)]
    then = a_listener(decided_at=NOON - 290 * MINUTES)
    assert votes(signals, then, a_listener()) == [(1.0, 1.0), (1.0, 0.0)]


def test_no_positions_and_no_signals_are_no_trouble():
    assert votes([]) == NOT_HEARD
    times = np.zeros(0, np.int64)
    none = Listeners(underlying=[], timeframe=[], view=np.zeros(0, np.int8), entry_time=times,
                     decided_at=times)  # fmt: skip
    assert len(count_votes([a_signal()], none, SignalSettings()).heard) == 0


def test_columns_of_positions_have_one_length():
    with pytest.raises(InputError, match=r"one length, had \[0, 1\]"):
        Listeners(underlying=["SPY"], timeframe=[], view=np.zeros(0, np.int8),
                  entry_time=np.zeros(0, np.int64), decided_at=np.zeros(0, np.int64))  # fmt: skip


SIGNALS = st.builds(
    a_signal,
    st.sampled_from([CALL, PUT]),
    st.sampled_from(["TRADINGVIEW", "GEX", "MANUAL", "X"]),
    st.integers(-5, 300),
    st.sampled_from(["SPY", "QQQ"]),
    st.sampled_from(["15", "15m", "1h", None]),
)
LISTENERS = st.builds(
    a_listener,
    st.sampled_from(["SPY", "QQQ"]),
    st.sampled_from(["15 min", "60", None]),
    st.sampled_from([-1, 0, 1]),
    st.sampled_from([ENTRY, NOON - 100 * MINUTES]),
)


@given(st.lists(SIGNALS, max_size=20, unique_by=lambda one: (one.source, one.at)),
       st.lists(LISTENERS, min_size=1, max_size=6))  # fmt: skip
def test_all_positions_at_once_hear_what_each_would_hear_alone(signals, listeners):
    assert votes(signals, *listeners) == [votes(signals, one)[0] for one in listeners]


@given(st.lists(SIGNALS, max_size=20))
def test_opposing_is_a_part_of_what_is_heard_and_no_more_than_all_sources(signals):
    heard, opposing = votes(signals)[0]
    assert 0 <= opposing <= heard <= 1.0 + 0.9 + 0.7 + 0.5 + 1e-9


def test_a_weight_below_zero_is_refused():
    with pytest.raises(ValidationError):
        SignalSettings(gex=-0.1)
