"""Gamma signals, trends and context, none of them from the future."""

import math
from datetime import timedelta
from decimal import Decimal

import pytest

from exit_pipeline.core.model.context import GexHistory, GexSignal
from exit_pipeline.core.model.direction import Direction
from exit_pipeline_tests.adapters.database.postgres.examples import NOON, start


def signal(signal_id, minutes, direction="CALL", strength="0.5", symbol="SPY"):
    return {
        "id": signal_id,
        "symbol": symbol,
        "timeframe": "5m",
        "strength": None if strength is None else Decimal(strength),
        "direction": direction,
        "timestamp": NOON + timedelta(minutes=minutes),
    }


def test_a_history_is_the_newest_signal_and_the_one_before_by_underlying(database):
    database.signals.import_gex_signals(
        [
            signal("a", -30),
            signal("b", -20),
            signal("c", -10, "PUT", "-0.71"),
            signal("d", 10),
            signal("e", 0, symbol="GOOG"),
        ]
    )
    history = database.signals.gex_history(["SPY", "GOOG", "QQQ"], NOON)
    call = GexSignal(direction=Direction.CALL, strength=0.5, at=NOON - timedelta(minutes=20))
    put = GexSignal(direction=Direction.PUT, strength=0.71, at=NOON - timedelta(minutes=10))
    assert history == {
        "SPY": GexHistory(newest=put, previous=call),
        "GOOG": GexHistory(
            newest=GexSignal(direction=Direction.CALL, strength=0.5, at=NOON), previous=None
        ),
    }


def test_a_history_is_one_statement_whatever_the_number_of_underlyings(database, statements):
    database.signals.gex_history([f"S{number}" for number in range(50)], NOON)
    assert len(statements) == 1


def test_a_strength_that_was_not_recorded_is_not_zero(database):
    database.signals.import_gex_signals([signal("a", 0, strength=None)])
    assert math.isnan(database.signals.gex_history(["SPY"], NOON)["SPY"].newest.strength)


def test_signals_are_imported_once_by_their_ids(database, sql):
    assert database.signals.import_gex_signals([signal("a", 0), signal("b", 1)]) == 2
    assert database.signals.import_gex_signals([signal("b", 1), signal("c", 2)]) == 1
    assert database.signals.import_gex_signals([]) == 0
    assert sql("SELECT count(*) AS n, count(age) AS aged FROM refactored_gex_signals") == [
        {"n": 3, "aged": 0}
    ]


def test_the_newest_trend_is_what_others_recorded_by_then(database, sql):
    for minutes, trend in ((-60, "BULLISH"), (-10, "BEARISH"), (-5, None), (5, "NEUTRAL")):
        sql(
            "INSERT INTO refactored_context_snapshots (trend, timestamp) VALUES (:trend, :at)",
            trend=trend,
            at=NOON + timedelta(minutes=minutes),
        )
    run_ids = start(database)
    database.signals.record_context(run_ids, {"trend": "BULLISH", "timestamp": NOON})
    ten_ago = NOON - timedelta(minutes=10)
    assert database.signals.newest_trend(NOON) == ("BEARISH", ten_ago)
    assert database.signals.newest_trend(NOON - timedelta(hours=2)) is None


def test_context_is_kept_once_per_run_in_one_statement(database, sql, statements):
    run_ids = start(database, accounts=("a", "b"))
    statements.clear()
    for vix in ("17.25", "99"):
        snapshot = {"vix": Decimal(vix), "vix_at": NOON, "timestamp": NOON, "source": "recorded"}
        database.signals.record_context(run_ids, snapshot)
    assert len(statements) == 2
    rows = sql("SELECT vix, vix3m, trend, vix_at, source FROM refactored_context_snapshots")
    assert rows == [
        {"vix": Decimal("17.25"), "vix3m": None, "trend": None, "vix_at": NOON,
         "source": "recorded"}
    ] * 2  # fmt: skip


def test_context_with_a_foreign_column_is_a_mistake_of_the_program(database):
    with pytest.raises(ValueError, match="mood"):
        database.signals.record_context([], {"mood": "calm"})


def own(signal_id, minutes, direction="CALL", mode="live", symbol="SPY"):
    return signal(signal_id, minutes, direction, symbol=symbol) | {
        "age": 0,
        "metadata": {"exit_pipeline_mode": mode},
    }


def test_our_own_series_counts_where_no_other_program_sends_one(database):
    rows = [own("a", -20), own("b", -5, "PUT"), own("c", -1, mode="simulated")]
    database.signals.import_gex_signals(rows)
    found = database.signals.gex_history(["SPY"], NOON, "live")["SPY"]
    assert (found.newest.direction, found.previous.direction) == (Direction.PUT, Direction.CALL)
    assert found.is_own
    assert database.signals.gex_history(["SPY"], NOON, "recorded") == {}


def test_series_of_two_programs_are_never_compared(database):
    database.signals.import_gex_signals(
        [signal("a", -30, "PUT"), own("b", -20), signal("c", -10, "PUT"), own("d", -5)]
    )
    found = database.signals.gex_history(["SPY"], NOON, "live")["SPY"]
    assert (found.newest.direction, found.previous.direction) == (Direction.PUT, Direction.PUT)
    assert not found.is_own


def test_another_program_that_went_silent_gives_way_to_our_own_series(database):
    database.signals.import_gex_signals([signal("a", -240, "PUT"), own("b", -20)])
    assert database.signals.gex_history(["SPY"], NOON, "live")["SPY"].is_own


def test_another_programs_old_signal_counts_where_we_have_none(database):
    database.signals.import_gex_signals([signal("a", -2_000, "PUT"), own("b", -1_000)])
    assert not database.signals.gex_history(["SPY"], NOON, "live")["SPY"].is_own


@pytest.mark.parametrize(
    ("rows", "direction"),
    [
        pytest.param([signal("a", -90, "PUT"), signal("b", -30)], Direction.PUT, id="in force"),
        pytest.param([signal("a", -30, "PUT"), signal("b", -10)], Direction.PUT, id="first after"),
        pytest.param([signal("a", 5, "PUT")], None, id="none from the future"),
        pytest.param([signal("a", -1_600, "PUT"), signal("b", -5)], Direction.CALL, id="too old"),
        pytest.param([own("a", -70), signal("b", -80, "PUT")], Direction.PUT, id="others first"),
        pytest.param([own("a", -70, mode="simulated")], None, id="of another market"),
        pytest.param([signal("a", -70, symbol="QQQ")], None, id="of another underlying"),
    ],
)
def test_the_direction_at_entry_is_that_in_force_or_the_first_after(database, rows, direction):
    database.signals.import_gex_signals(rows)
    entered = {"p": ("SPY", NOON - timedelta(minutes=60))}
    found = database.signals.entry_directions(entered, NOON, "live")
    assert found.get("p") is direction


def test_directions_at_entry_are_one_statement_and_none_for_nobody(database, statements):
    assert database.signals.entry_directions({}, NOON, "live") == {}
    assert statements == []
    database.signals.entry_directions({f"p{n}": ("SPY", NOON) for n in range(50)}, NOON, "live")
    assert len(statements) == 1


def test_recent_signals_are_later_than_since_and_not_of_the_future(database, sql):
    for minutes, source in ((-240, "MTF"), (-239, "TRADINGVIEW"), (0, None), (1, "GEX")):
        sql(
            "INSERT INTO refactored_signals (id, symbol, source, direction, timestamp) "
            "VALUES (:id, 'SPY', :source, 'PUT', :at)",
            id=str(minutes),
            source=source,
            at=NOON + timedelta(minutes=minutes),
        )
    found = database.signals.recent_signals(["SPY"], NOON - timedelta(minutes=240), NOON)
    assert [(one.source, one.direction) for one in found] == [
        ("TRADINGVIEW", Direction.PUT),
        ("OTHER", Direction.PUT),
    ]
