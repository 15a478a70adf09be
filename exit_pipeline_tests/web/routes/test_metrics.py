"""Figures as Prometheus reads them, read back by its own client."""

from datetime import timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.record import Alert
from exit_pipeline_tests.desk import CALL, FAR_CALL, Desk
from exit_pipeline_tests.web.caller import Caller

Samples = dict[str, dict[tuple[str, ...], float]]


def scrape(client: Caller) -> Samples:
    """Values by name, and by the values of their labels in the order of the labels' names."""
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found: Samples = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            name = sample.name.removeprefix("exit_pipeline_")
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            found.setdefault(name, {})[labels] = sample.value
    return found


def test_an_empty_day_has_no_counts_and_says_what_stands(client: Caller) -> None:
    found = scrape(client)
    assert found["trading_state"] == {
        ("ACTIVE",): 1,
        ("CANCEL_ALL",): 0,
        ("FREEZE",): 0,
        ("HALT_NEW",): 0,
    }
    assert found["alerts_unacknowledged"] == {("CRITICAL",): 0, ("WARNING",): 0, ("INFO",): 0}
    assert found["positions_open"] == {("paper",): 1}
    assert not {"tick_age_seconds", "decisions_total", "market_data_age_seconds"} & set(found)


def test_a_day_is_counted_by_outcome_cause_and_state(client: Caller, desk: Desk) -> None:
    desk.hold("b", entry="1.00")
    desk.hold("c", FAR_CALL)
    desk.tick()
    desk.clock.advance(timedelta(seconds=90))
    found = scrape(client)
    assert found["decisions_total"] == {
        ("paper", "HOLD", ""): 2,
        ("paper", "FULL", "PROFIT_TARGET"): 1,
    }
    assert found["quotes_refused_total"] == {("MISSING", "paper"): 1}
    assert found["orders"] == {("paper", "FILLED"): 1}
    assert found["orders_unknown"] == {("paper",): 0}
    assert found["runs_total"] == {("paper", "SUCCEEDED"): 1}
    assert found["tick_age_seconds"] == {("paper",): 90}
    assert found["market_data_age_seconds"] == {(): 90}


def test_dry_runs_are_in_no_count(client: Caller, desk: Desk) -> None:
    desk.quote(CALL, "4.00", "4.10")
    desk.tick({"dry_run": True})
    assert not {"decisions_total", "runs_total", "orders"} & set(scrape(client))


def test_fills_are_measured_by_time_and_by_what_they_slipped_from_the_mid(
    client: Caller, desk: Desk
) -> None:
    desk.hold("b", quantity=2, entry="1.00")
    desk.tick({"position_ids": ["b"]})
    (order,) = desk.rows("SELECT filled_quantity, avg_fill_price, intent_at FROM orders")
    desk.rows_changed(f"UPDATE orders SET filled_at = '{order['intent_at']}'::timestamptz"
                      " + interval '20 seconds'")  # fmt: skip
    found = scrape(client)
    slip = (2.10 - float(order["avg_fill_price"])) * 100 * order["filled_quantity"]
    assert found["slippage_dollars"] == {("paper",): pytest.approx(slip)}
    assert slip >= 0
    assert found["slippage_contracts"] == {("paper",): order["filled_quantity"]}
    buckets = found["time_to_fill_seconds_bucket"]
    assert (buckets["paper", "15.0"], buckets["paper", "60.0"]) == (0, 1)
    assert buckets["paper", "+Inf"] == 1
    assert found["time_to_fill_seconds_sum"] == {("paper",): 20}


def test_orders_in_doubt_are_counted_also_from_days_before(client: Caller, desk: Desk) -> None:
    desk.rows_changed(
        "INSERT INTO orders (client_order_id, refactored_position_id, exit_action, exit_quantity,"
        " status, environment, intent_at) VALUES ('x-1', 'a', 'FULL', 1, 'UNKNOWN', 'paper',"
        " '2026-03-10'), ('x-2', 'a', 'FULL', 1, 'CANCELLED', 'paper', '2026-03-10')"
    )
    found = scrape(client)
    assert found["orders_unknown"] == {("paper",): 1}
    assert found["orders"] == {("paper", "UNKNOWN"): 1}


def test_counts_begin_anew_at_midnight_in_new_york(client: Caller, desk: Desk) -> None:
    desk.tick()
    desk.later(24 * 60 - 10 * 60 - 1)
    assert scrape(client)["runs_total"] == {("paper", "SUCCEEDED"): 1}
    desk.later(1)
    assert "runs_total" not in scrape(client)


def test_alerts_and_a_halt_show(client: Caller, desk: Desk) -> None:
    desk.database.control.move(TradingState.FREEZE, "x", "ann")
    desk.database.runs.raise_alerts(
        [Alert(severity="WARNING", cause="C", subject="s", message="m.")]
    )
    found: dict[str, Any] = scrape(client)
    assert found["trading_state"]["FREEZE",] == 1
    # The halt is one itself.
    assert found["alerts_unacknowledged"]["WARNING",] == 2


def test_no_account_and_no_position_is_in_any_label(client: Caller, desk: Desk) -> None:
    desk.hold("my-position", account="my-account")
    desk.tick()
    text = client.get("/metrics").text
    for hidden in ("my-position", "my-account", CALL):
        assert hidden not in text
