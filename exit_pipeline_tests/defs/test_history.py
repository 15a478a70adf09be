"""What ticks leave on the assets: figures that are plotted, and tables of the newest tick."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.defs.assets import ASSETS
from exit_pipeline.defs.launch import run_exit_job
from exit_pipeline.services.tick import TickReport
from exit_pipeline_tests.desk import CALL, FAR_CALL, PUT, Desk
from exit_pipeline_tests.fakes import FakeMarketData
from exit_pipeline_tests.listed import listed_chain


@pytest.fixture
def desk(database_url: str) -> Desk:
    """A call at its stop, and a put that holds; VIX is known, and the chain of ACME."""
    desk = Desk(database_url)
    desk.hold("a call", entry="4.00", quantity=2)
    desk.hold("a put", PUT)
    desk.market.chains["ACME"] = listed_chain
    quote(desk)
    return desk


def quote(desk: Desk) -> None:
    desk.market.add_price("VIX", "18.00", desk.clock.now())
    desk.market.add_price("VIX3M", "20.00", desk.clock.now())
    desk.quote(CALL, "2.00", "2.10")
    desk.quote(PUT, "1.99", "2.01")


@pytest.fixture
def kept(tmp_path: Any) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as found:
        yield found


def ticked(desk: Desk, on: dg.DagsterInstance, **config: Any) -> TickReport:
    return run_exit_job(config, desk.resources, on)


def left_on(name: str, on: dg.DagsterInstance) -> dict[str, Any]:
    """The metadata that the newest tick left on an asset."""
    event = on.get_latest_materialization_event(dg.AssetKey(name))
    found = event.asset_materialization if event else None
    return dict(found.metadata) if found else {}


def figures(name: str, on: dg.DagsterInstance) -> dict[str, float]:
    """Those that a page plots."""
    return {
        key: value.value
        for key, value in left_on(name, on).items()
        if isinstance(value, dg.IntMetadataValue | dg.FloatMetadataValue)
    }


def test_positions_carry_open_and_realised_pnl_of_after_the_tick(
    desk: Desk, kept: dg.DagsterInstance
) -> None:
    """Realised P&L was that of before the tick's own fills, so the last exit was never shown."""
    ticked(desk, kept)
    assert figures("positions", kept) == {
        "positions": 2,
        "open_pnl": pytest.approx(-390.0),  # 2 calls at 2.05, bought at 4.00; the put as bought
        "positions_without_mark": 0,
        "realised_pnl": pytest.approx(-401.34),  # sold at 2.00, and 0.67 of costs for each
    }


def test_decisions_count_each_rule_that_was_judged_also_where_it_let_nothing_go(
    desk: Desk, kept: dg.DagsterInstance
) -> None:
    ticked(desk, kept)
    assert figures("decisions", kept) == {
        "exits": 1, "holds": 1, "quotes_refused": 0, "exit_force_close": 0, "exit_expiry": 0,
        "exit_profit_target": 0, "exit_stop_loss": 1, "exit_gex_flip": 0, "exit_time_exit": 0,
    }  # fmt: skip
    (row,) = left_on("decisions", kept)["decisions"].records
    assert (row.data["position"], row.data["decision"], row.data["reason"]) == (
        "a call", "close 2", "STOP LOSS",
    )  # fmt: skip
    assert row.data["why"].startswith("STOP_LOSS closes all: P&L -48.8 %")


def test_context_carries_indices_and_gamma_and_pictures_that_are_shown_at_once(
    desk: Desk, kept: dg.DagsterInstance
) -> None:
    ticked(desk, kept)
    plotted = figures("context", kept)
    assert (plotted["vix"], plotted["vix3m"]) == (18.0, 20.0)
    assert "vix9d" not in plotted
    assert {"net_gamma_ACME", "zero_gamma_ACME"} <= plotted.keys()
    shown = left_on("context", kept)
    for picture in ("vix_term", "gamma_ACME"):
        assert shown[picture].value.startswith(f"![{picture}](data:image/svg+xml;base64,")


def test_orders_show_the_market_of_their_decision_and_what_their_fills_cost(
    desk: Desk, kept: dg.DagsterInstance
) -> None:
    ticked(desk, kept)
    assert figures("orders", kept) == {
        "orders": 1, "contracts_filled": 2, "slippage_dollars": 10.0,
        "slippage_percent_of_spread": 50.0,
    }  # fmt: skip
    (row,) = left_on("orders", kept)["orders_table"].records
    assert row.data == {
        "position": "a call", "reason": "STOP LOSS", "order": "sell 2", "bid": "2.00",
        "mid": "2.05", "ask": "2.10", "filled": "2 at 2.00", "slippage $": "+10.00",
        "of spread": "+50 %", "limit": "1.85", "worst": "1.75", "status": "FILLED", "note": "",
    }  # fmt: skip


def test_what_is_not_known_is_left_out_rather_than_zero(
    desk: Desk, kept: dg.DagsterInstance
) -> None:
    """Open P&L was a sum of what was known, and so 0 where no position had a mark."""
    desk.market = FakeMarketData()
    desk.rows_changed("UPDATE refactored_positions SET environment = 'tape'")
    desk.hold("blind", FAR_CALL)
    ticked(desk, kept)
    assert figures("positions", kept) == {
        "positions": 1, "positions_without_mark": 1, "realised_pnl": 0.0,
    }  # fmt: skip
    assert not figures("context", kept)
    assert not left_on("orders", kept)


def test_a_launch_for_some_positions_tells_no_pnl_of_the_whole(
    desk: Desk, kept: dg.DagsterInstance
) -> None:
    ticked(desk, kept, position_ids=["a put"])
    assert set(figures("positions", kept)) == {"positions", "realised_pnl"}


def test_a_tick_without_orders_leaves_the_newest_orders_in_sight(
    desk: Desk, kept: dg.DagsterInstance
) -> None:
    ticked(desk, kept)
    desk.later()
    quote(desk)
    ticked(desk, kept)
    assert figures("decisions", kept)["exits"] == 0
    assert figures("orders", kept)["orders"] == 1


def test_a_dry_run_is_no_part_of_history_and_still_tells_what_it_would_do(
    desk: Desk, kept: dg.DagsterInstance
) -> None:
    report = ticked(desk, kept, dry_run=True)
    assert not any(left_on(spec.key.to_user_string(), kept) for spec in ASSETS)
    assert "a dry run, of which nothing is sent" in said(report, kept)


def said(report: TickReport, on: dg.DagsterInstance) -> str:
    """What the step persist wrote last into the run's log."""
    run_id = report.executed.decided.tick.request.run_key
    lines = [one.user_message for one in on.all_logs(run_id) if one.step_key == "persist"]
    return [line for line in lines if "New York" in line][-1]


def test_the_lines_of_a_tick_are_the_last_thing_before_its_pictures(
    desk: Desk, kept: dg.DagsterInstance
) -> None:
    report = ticked(desk, kept)
    run_id = report.executed.decided.tick.request.run_key
    events = [one for one in kept.all_logs(run_id) if one.step_key == "persist"]
    places = {
        one.dagster_event_type: number
        for number, one in enumerate(events)
        if one.dagster_event_type is not None
    }
    lines = next(n for n, one in enumerate(events) if "New York" in one.user_message)
    assert places[dg.DagsterEventType.ASSET_MATERIALIZATION] < lines
    assert places[dg.DagsterEventType.ASSET_CHECK_EVALUATION] < lines
    assert lines == places[dg.DagsterEventType.STEP_OUTPUT] - 1
    output: Any = events[lines + 1].dagster_event
    assert set(output.event_specific_data.metadata) == {"vix_term", "gamma_ACME"}


def test_books_that_can_t_be_read_any_more_cost_the_telling_and_not_the_tick(
    desk: Desk, kept: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: Any) -> Any:
        message = "the database did not answer"
        raise UnavailableError(message)

    monkeypatch.setattr(desk.database.operation, "book_state", gone)
    report = ticked(desk, kept)
    assert report.counts["exits"] == 1
    assert not left_on("positions", kept)


def test_lineage_leads_from_what_is_held_and_known_to_what_is_sent() -> None:
    lineage = {
        spec.key.to_user_string(): sorted(dep.asset_key.to_user_string() for dep in spec.deps)
        for spec in ASSETS
    }
    assert lineage == {
        "positions": [], "context": [], "decisions": ["context", "positions"],
        "orders": ["decisions"],
    }  # fmt: skip
