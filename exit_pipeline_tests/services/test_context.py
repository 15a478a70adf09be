"""The context of a tick: what is known, how old it is, what is kept, and what never fails."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event

from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.core.model.listed_chain import ListedChain
from exit_pipeline.core.model.record import RunStatus
from exit_pipeline_tests.desk import CALL, MORNING, PUT, TUESDAY, Desk, decision
from exit_pipeline_tests.fakes import new_york
from exit_pipeline_tests.listed import listed_chain, puts_above

MONDAY = date(2026, 3, 16)
GEX = "SELECT * FROM refactored_gex_signals ORDER BY timestamp, symbol"
SNAPSHOTS = "SELECT * FROM refactored_context_snapshots WHERE run_id IS NOT NULL ORDER BY timestamp"


@pytest.fixture
def desk(database_url: str) -> Desk:
    desk = Desk(database_url)
    desk.hold("a")
    desk.market.chains["ACME"] = listed_chain
    return desk


def set_market(desk: Desk, vix: str = "18.00", vix3m: str = "20.00") -> None:
    now = desk.clock.now()
    for name, level in (("VIX", vix), ("VIX3M", vix3m), ("VIX9D", "17.00")):
        desk.market.add_price(name, level, now)
    desk.quote(CALL, "2.05", "2.15")


def tick(desk: Desk, config: dict[str, Any] | None = None, **market: str) -> Any:
    set_market(desk, **market)
    return desk.tick(config)


def details(desk: Desk) -> dict[str, Any]:
    found: dict[str, Any] = desk.rows(SNAPSHOTS)[-1]["details"]
    return found


def test_a_tick_knows_gamma_vix_term_structure_and_regime(desk: Desk) -> None:
    report = tick(desk)
    row = desk.rows("SELECT * FROM refactored_decisions")[0]
    assert (row["vix"], row["vix_ratio"]) == (18.0, 0.9)
    assert (row["regime"], row["gamma_sign"], row["gex_direction"]) == ("NORMAL", 1, "CALL")
    assert row["vix_change"] is None  # no close of Monday is stored
    assert row["iv"] == pytest.approx(0.13204, abs=1e-4)
    assert 0.5 < row["delta"] < 0.7
    assert decision(report, "a").confidence == row["confidence"] > 50
    assert row["gex_data"]["zero_gamma"] == pytest.approx(100, abs=2)
    assert "gamma" in row["context_data"]["confluence"]["heard"]
    assert row["calculations"]["confidence"]["gamma"] > 0


def test_a_signal_is_kept_with_its_figures_and_convention_once(desk: Desk) -> None:
    tick(desk)
    # As a kill before the run was closed leaves it, once its lease has passed.
    desk.rows_changed("UPDATE decision_runs SET status = 'STARTED'")
    desk.rows_changed("DELETE FROM refactored_context_snapshots")
    tick(desk)
    (row,) = desk.rows(GEX)
    assert (row["symbol"], row["direction"], row["age"]) == ("ACME", "CALL", 0)
    assert row["strength"] > 0
    told = row["metadata"]
    assert told["net"] == pytest.approx(told["gross"] * float(row["strength"]), rel=1e-3)
    assert told["call_wall"] > 100 > told["put_wall"]
    assert "no forecast" in told["convention"]
    assert (told["walls"], told["volatility"], told["source"]) == ("side", "solved", "a test")
    runs = desk.rows("SELECT CAST(id AS text) AS id FROM decision_runs")
    assert told["run_ids"] == [row["id"] for row in runs]


def test_a_chain_is_asked_for_every_quarter_of_an_hour_and_used_in_between(desk: Desk) -> None:
    for minutes in range(0, 35, 5):
        desk.at(MORNING + timedelta(minutes=minutes, seconds=minutes % 10))
        tick(desk)
    asked = [(at - MORNING) // timedelta(minutes=1) for _, at in desk.market.chains_asked]
    assert asked == [0, 15, 30]
    signs = desk.rows("SELECT gamma_sign FROM refactored_decisions")
    assert [row["gamma_sign"] for row in signs] == [1] * 7
    assert details(desk)["readings"]["gamma ACME"]["state"] == "FRESH"


@pytest.mark.parametrize(("setting", "asked"), [("0", 0), ("5", 4), ("60", 1)])
def test_the_setting_says_how_often(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, setting: str, asked: int
) -> None:
    monkeypatch.setenv("EXIT_CHAIN_MINUTES", setting)
    for minutes in range(0, 20, 5):
        desk.at(MORNING + timedelta(minutes=minutes))
        tick(desk)
    assert len(desk.market.chains_asked) == asked


def test_a_source_whose_chains_cost_requests_is_asked_only_where_a_setting_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk.market, "tells_chains_unasked", False, raising=False)
    tick(desk)
    assert desk.market.chains_asked == []
    monkeypatch.setenv("EXIT_CHAIN_MINUTES", "15")
    desk.later()
    tick(desk)
    assert len(desk.market.chains_asked) == 1


def test_gamma_that_turns_is_a_flip_of_our_own_series(desk: Desk) -> None:
    tick(desk)
    desk.later(15)
    desk.market.chains["ACME"] = lambda at: listed_chain(at, interest=puts_above)
    report = tick(desk)
    assert [row["direction"] for row in desk.rows(GEX)] == ["CALL", "PUT"]
    row = desk.rows("SELECT * FROM refactored_decisions ORDER BY decided_at")[-1]
    assert (row["gex_previous"], row["gex_direction"], row["gex_entry"]) == ("CALL", "PUT", "CALL")
    assert decision(report, "a").exit_reason == "GEX_FLIP"


def test_signals_of_another_program_are_never_mixed_with_our_own(desk: Desk) -> None:
    """Two programs that differ would otherwise make a flip at every tick."""
    theirs = {"id": "x", "symbol": "ACME", "timeframe": "5m", "strength": "-0.9"}
    theirs |= {"direction": "PUT", "timestamp": (MORNING - timedelta(minutes=3)).isoformat()}
    desk.database.signals.import_gex_signals([theirs])
    for _ in range(3):
        report = tick(desk)
        desk.later(15)
    rows = desk.rows("SELECT gex_direction, gex_previous FROM refactored_decisions")
    assert [tuple(row.values()) for row in rows] == [("PUT", None)] * 3
    assert decision(report, "a").exit_reason is None


def a_minute_before_the_close(desk: Desk) -> None:
    desk.at(new_york(TUESDAY, 15, 59))


BAD: dict[str, tuple[Callable[[datetime], ListedChain], str]] = {
    "no open interest": (
        lambda at: listed_chain(at, open_interest=np.full(126, np.nan)),
        "open interest is known of 0 of 126",
    ),
    "nothing open": (lambda at: listed_chain(at, interest=lambda *_: 0.0), "no contract of ACME"),
    "NaN quotes": (
        lambda at: listed_chain(at, bid=np.full(126, np.nan)),
        "a volatility is known of 0 %",
    ),
    "a spot outside of all strikes": (
        lambda at: listed_chain(at, spot=150.0),
        "lies outside the strikes",
    ),
    "no spot": (lambda at: replace(listed_chain(at), spot=float("nan")), "the spot of ACME is nan"),
    "no contracts": (lambda at: listed_chain(at, strikes=()), "has no contracts"),
    "of another underlying": (lambda at: listed_chain(at, root="OTHR"), "has no contracts"),
    "expired": (
        lambda at: listed_chain(at, expirations=[date(2026, 3, 16)]),
        "have expired",
    ),
    "quotes of an hour ago": (
        lambda at: replace(
            listed_chain(at), quoted_at=listed_chain(at - timedelta(hours=1)).quoted_at
        ),
        "a volatility is known of 0 %",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_chain_is_stated_as_not_evaluable_and_the_tick_decides(desk: Desk, name: str) -> None:
    make, reason = BAD[name]
    desk.market.chains["ACME"] = lambda at: replace(make(at), underlying="ACME")
    report = tick(desk)
    assert [run.status for run in report.runs] == [RunStatus.SUCCEEDED]
    row = desk.rows("SELECT * FROM refactored_decisions")[0]
    assert (row["gamma_sign"], row["gex_direction"]) == (None, None)
    assert desk.rows(GEX) == []
    known = details(desk)
    assert any(reason in note for note in known["notes"]), known["notes"]
    assert reason in known["underlyings"]["ACME"]["gamma"]["reason"]
    assert known["readings"]["gamma ACME"]["state"] == "MISSING"
    # It is not asked for again before it is due.
    desk.later()
    tick(desk)
    assert len(desk.market.chains_asked) == 1


def test_a_chain_of_one_expiration_is_evaluable(desk: Desk) -> None:
    desk.market.chains["ACME"] = lambda at: listed_chain(at, expirations=[date(2026, 4, 17)])
    tick(desk)
    assert details(desk)["underlyings"]["ACME"]["gamma"]["net"] > 0


def test_a_chain_of_the_last_day_a_minute_before_the_close_fails_nothing(desk: Desk) -> None:
    a_minute_before_the_close(desk)
    desk.market.chains["ACME"] = lambda at: listed_chain(at, expirations=[TUESDAY])
    report = tick(desk)
    assert [run.status for run in report.runs] == [RunStatus.SUCCEEDED]
    gamma = details(desk)["underlyings"]["ACME"]["gamma"]
    # Out of the money nothing is bid any more, so hardly any volatility is known.
    assert gamma["net"] is None
    assert "a volatility is known of" in gamma["reason"]


def test_a_source_that_does_not_answer_leaves_gamma_missing_with_its_sentence(desk: Desk) -> None:
    desk.market.chains["ACME"] = UnavailableError("the fake chain is down")
    report = tick(desk)
    assert [run.status for run in report.runs] == [RunStatus.SUCCEEDED]
    assert (
        "Gamma exposure of ACME is not evaluable: the fake chain is down."
        in (details(desk)["notes"])
    )


def test_gamma_that_gets_too_old_is_not_known_any_more(desk: Desk) -> None:
    tick(desk)
    desk.market.chains["ACME"] = UnavailableError("down")
    for minutes in (15, 65):
        desk.at(MORNING + timedelta(minutes=minutes))
        tick(desk)
    signs = desk.rows("SELECT gamma_sign FROM refactored_decisions ORDER BY decided_at")
    assert [row["gamma_sign"] for row in signs] == [1, None, None]


def test_a_vix_that_is_too_old_is_not_known_and_its_time_is_kept(desk: Desk) -> None:
    set_market(desk)
    desk.later(20)
    desk.quote(CALL, "2.05", "2.15")
    desk.tick()
    row = desk.rows("SELECT vix, vix_at, regime, vix_ratio FROM refactored_decisions")[0]
    assert row == {"vix": None, "vix_at": MORNING, "regime": None, "vix_ratio": None}
    known = details(desk)
    assert known["readings"]["VIX"]["state"] == "STALE"
    assert any("20 minutes old" in note for note in known["notes"])


def test_a_dry_run_knows_the_same_and_keeps_nothing(desk: Desk) -> None:
    tick(desk, {"dry_run": True})
    row = desk.rows("SELECT gamma_sign, gex_direction, regime FROM refactored_decisions")[0]
    assert row == {"gamma_sign": 1, "gex_direction": "CALL", "regime": "NORMAL"}
    assert desk.rows(GEX) == desk.rows(SNAPSHOTS) == []
    assert desk.rows("SELECT * FROM daily_levels") == []
    assert desk.rows("SELECT open_pnl FROM decision_runs") == [{"open_pnl": None}]


def test_a_calmer_regime_is_believed_after_three_ticks_and_a_wilder_one_at_once(
    desk: Desk,
) -> None:
    levels = ["18", "35", "18", "18", "18", "18", "18", "18"]
    for number, level in enumerate(levels):
        desk.at(MORNING + timedelta(minutes=5 * number))
        tick(desk, vix=level, vix3m="40")
    found = [row["regime"] for row in desk.rows(SNAPSHOTS)]
    calm = ["NORMAL", "NORMAL", "NORMAL"]
    assert found == ["NORMAL", "HIGH_VOL", "HIGH_VOL", "HIGH_VOL", *calm, "NORMAL"]


def test_the_regime_of_a_tick_that_is_begun_anew_is_the_same(desk: Desk) -> None:
    """The memory is that of the tick before, not of the first attempt of the same tick."""
    tick(desk, vix="35", vix3m="40")
    desk.later()
    tick(desk, vix="18", vix3m="40")
    before = details(desk)["underlyings"]["ACME"]
    desk.rows_changed("UPDATE decision_runs SET status = 'STARTED'")
    desk.rows_changed("DELETE FROM refactored_context_snapshots WHERE vix < 20")
    tick(desk, vix="18", vix3m="40")
    after = details(desk)["underlyings"]["ACME"]
    hits = ("regime", "regime_memory", "calmer_hits")
    assert (
        [after[name] for name in hits] == [before[name] for name in hits] == ["HIGH_VOL"] * 2 + [1]
    )


@pytest.mark.parametrize(
    "details",
    [
        pytest.param('{"underlyings": {"ACME": {"gamma": 5}}}', id="of another version"),
        pytest.param('{"vix_memory": "HOT"}', id="of a band that there is not"),
        pytest.param('{"underlyings": [1]}', id="a list"),
        pytest.param("[]", id="nothing"),
    ],
)
def test_a_context_that_another_version_kept_is_forgotten_and_fails_nothing(
    desk: Desk, details: str
) -> None:
    tick(desk)
    desk.rows_changed(f"UPDATE refactored_context_snapshots SET details = '{details}'")
    desk.later()
    assert [run.status for run in tick(desk).runs] == [RunStatus.SUCCEEDED]
    assert len(desk.market.chains_asked) == 2


def test_the_days_levels_are_widened_by_each_tick_and_tell_the_next_sessions_change(
    desk: Desk,
) -> None:
    for hour, level in ((10, "16.00"), (12, "19.00"), (15, "17.00")):
        desk.at(new_york(MONDAY, hour))
        tick(desk, vix=level)
    (row,) = desk.rows("SELECT high, low, close FROM daily_levels WHERE symbol = 'VIX'")
    assert [float(one) for one in row.values()] == [19, 16, 17]
    desk.at(MORNING)
    tick(desk, vix="18.70")
    (last,) = desk.rows(SNAPSHOTS)[-1:]
    assert last["vix_change"] == pytest.approx(10)


def bars(desk: Desk, symbol: str = "ACME", days: int = 60) -> None:
    """A rise of 1 % a day up to Monday."""
    desk.rows_changed(
        f"""
        INSERT INTO daily_levels (mode, symbol, day, high, low, close, at, source)
        SELECT 'fake', '{symbol}', d, p * 1.005, p * 0.995, p, d, 'a test' FROM (
            SELECT CAST(day AS date) AS d,
                   CAST(100 * power(1.01, -row_number() OVER (ORDER BY day DESC)) AS numeric) AS p
            FROM generate_series(date '2026-03-16' - {days}, date '2026-03-16', '1 day') AS day
            WHERE extract(isodow FROM day) < 6) AS days
        """
    )


def test_trend_and_realised_volatility_come_of_the_daily_levels(desk: Desk) -> None:
    bars(desk)
    tick(desk)
    one = details(desk)["underlyings"]["ACME"]
    assert (one["trend"], one["trend_source"]) == ("BULLISH", "daily levels")
    assert one["bias"] == pytest.approx(1, abs=0.05)
    assert one["realised_vol"] == pytest.approx(0, abs=1e-4)
    desk.later()
    tick(desk)
    assert details(desk)["underlyings"]["ACME"]["trend"] == "BULLISH"


def test_another_programs_trend_stands_in_where_ours_is_not_known(desk: Desk) -> None:
    desk.rows_changed(
        "INSERT INTO refactored_context_snapshots (id, trend, timestamp) "
        "VALUES ('theirs', 'BEARISH', '2026-03-16 20:00+00'), ('old', 'BULLISH', '2026-03-01')"
    )
    tick(desk)
    row = desk.rows("SELECT context_data FROM refactored_decisions")[0]["context_data"]
    assert (row["trend"], row["trend_source"]) == ("BEARISH", "another program")
    assert desk.rows(SNAPSHOTS)[-1]["trend"] == "BEARISH"


def test_a_trend_of_weeks_ago_is_none(desk: Desk) -> None:
    desk.rows_changed(
        "INSERT INTO refactored_context_snapshots (id, trend, timestamp) "
        "VALUES ('old', 'BULLISH', '2026-03-01')"
    )
    tick(desk)
    assert desk.rows(SNAPSHOTS)[-1]["trend"] is None


def test_the_next_events_of_the_underlying_are_inputs_of_decisions(desk: Desk) -> None:
    desk.rows_changed(
        "INSERT INTO events (underlying, kind, at, amount) VALUES "
        "('ACME', 'EARNINGS', '2026-03-17 13:00+00', NULL), "
        "('ACME', 'EARNINGS', '2026-04-21 20:05+00', NULL), "
        "('ACME', 'DIVIDEND', '2026-05-08 13:30+00', 0.25), "
        "('OTHR', 'EARNINGS', '2026-03-18 20:05+00', NULL)"
    )
    tick(desk)
    row = desk.rows("SELECT next_earnings, next_ex_dividend, dividend FROM refactored_decisions")[0]
    assert f"{row['next_earnings']:%m-%d %H:%M}" == "04-21 20:05"
    assert f"{row['next_ex_dividend']:%m-%d %H:%M}" == "05-08 13:30"
    assert float(row["dividend"]) == 0.25


def test_recent_signals_of_strategies_are_heard_by_positions_of_their_timeframe(
    desk: Desk,
) -> None:
    desk.hold("b", PUT, timeframe="15m")
    desk.rows_changed(
        "INSERT INTO refactored_signals (id, source, symbol, direction, timeframe, timestamp) "
        "VALUES ('s', 'TRADINGVIEW', 'ACME', 'CALL', '15', '2026-03-17 13:50+00')"
    )
    tick(desk)
    found = desk.rows("SELECT position_id, context_data FROM refactored_decisions ORDER BY 1")
    heard = {row["position_id"]: row["context_data"]["confluence"]["against"] for row in found}
    assert "signals" not in heard["a"]
    assert heard["b"]["signals"] == 1.0


def test_statements_of_a_tick_do_not_grow_with_the_positions(desk: Desk) -> None:
    counts = []
    seen: list[str] = []
    event.listen(desk.engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    for size in (1, 40):
        for number in range(size):
            desk.hold(f"{size}-{number}", CALL)
        seen.clear()
        tick(desk)
        counts.append(len(seen))
        desk.later(15)
    assert counts[0] == counts[1]
