"""The pages of the assets: figures over time, pictures, and checks."""

import re

import pytest
from playwright.sync_api import expect

from exit_pipeline_tests.ui.dagster_ui import DagsterUi, expect_drawn


@pytest.mark.parametrize(
    ("asset", "figures"),
    [
        ("positions", ["open_pnl", "realised_pnl", "day_pnl"]),
        ("context", ["vix", "net_gamma_SPY", "zero_gamma_SPY"]),
        ("decisions", ["exits", "exit_stop_loss", "quotes_refused"]),
        ("orders", ["contracts_filled", "slippage_dollars"]),
    ],
)
def test_an_asset_plots_its_figures_over_time(
    ui: DagsterUi, asset: str, figures: list[str]
) -> None:
    ui.asset(asset)
    ui.button("Plots").click()
    for figure in figures:
        expect_drawn(ui.plot(figure))


def test_the_context_has_its_pictures_on_its_page(ui: DagsterUi) -> None:
    ui.asset("context")
    for name in ("vix_term", "gamma_SPY", "gamma_QQQ"):
        expect_drawn(ui.page.get_by_role("img", name=name))


def test_the_orders_are_listed_with_the_market_that_they_were_decided_on(ui: DagsterUi) -> None:
    ui.asset("orders")
    row = ui.page.get_by_role("row").filter(has_text=re.compile("FILLED")).last
    for part in ("sample-06", "GEX FLIP", "sell 3"):
        expect(row).to_contain_text(part)
    for title in ("bid", "mid", "ask"):
        expect(ui.page.get_by_role("columnheader", name=title, exact=True)).to_be_visible()


@pytest.mark.parametrize(
    ("asset", "checks"),
    [
        ("orders", ["every_order_has_a_decision", "no_order_unknown_for_long"]),
        ("decisions", ["every_exit_has_an_order", "no_tick_gap"]),
        ("positions", ["never_exited_above_held"]),
    ],
)
def test_the_five_checks_have_passed_and_say_what_they_looked_at(
    ui: DagsterUi, asset: str, checks: list[str]
) -> None:
    ui.asset(asset, "checks")
    expect(ui.page.get_by_text(f"Checks ({len(checks)})")).to_be_visible()
    for check in checks:
        ui.page.get_by_text(check, exact=True).first.click()
        expect(ui.page.get_by_text("sound; looked at: ")).to_be_visible()
        expect(ui.page.get_by_text("Passed", exact=True).first).to_be_visible()


def test_the_lineage_shows_what_comes_of_what(ui: DagsterUi) -> None:
    ui.open("/asset-groups")
    for asset in ("positions", "context", "decisions", "orders", "decision_replays"):
        expect(ui.page.get_by_text(asset, exact=True).last).to_be_visible()
