"""Whether all is well, part by part; the service's tests tell the same of a real database."""

from dataclasses import fields, replace
from datetime import timedelta

import pytest

from exit_pipeline.core.model.control import TradingControl, TradingState
from exit_pipeline.core.model.vitals import AccountPulse, MarketSeen, Vitals
from exit_pipeline.services.health import Components, Place, State, health, without_database
from exit_pipeline_tests.desk import MORNING
from exit_pipeline_tests.fakes import FakeCalendar

PLACE = Place(broker="paper", environment="paper", schema="0013_replays")
WELL = Vitals(
    schema="0013_replays",
    control=TradingControl(state=TradingState.ACTIVE, reason="", changed_by="", changed_at=MORNING),
    accounts=[
        AccountPulse(
            environment="paper",
            account="123456789",
            open_positions=1,
            last_tick_at=MORNING,
            open_since=MORNING,
        )
    ],
    alerts={},
    wrong_accounts=0,
    market=MarketSeen(
        source="simulated", tick_at=MORNING, newest_quote_at=MORNING, positions=2, refused=1
    ),
)


def test_the_whole_is_as_good_as_its_worst_part() -> None:
    for change, state in (
        ({}, State.OK),
        ({"market": None}, State.UNKNOWN),
        ({"market": None, "alerts": {"CRITICAL": 1}}, State.WARNING),
        ({"alerts": {"WARNING": 9}}, State.OK),
        ({"alerts": {"CRITICAL": 1}, "schema": "0012_rungs"}, State.FAILING),
        ({"schema": None}, State.FAILING),
        ({"wrong_accounts": 1}, State.FAILING),
    ):
        found = health(replace(WELL, **change), PLACE, calendar=FakeCalendar(), at=MORNING)
        assert found.state is state, change


@pytest.mark.parametrize(("minutes", "slots"), [(0, 0.0), (7, 1.4), (10, 2.0)])
def test_the_age_of_the_last_good_tick_is_told_in_slots(minutes: int, slots: float) -> None:
    at = MORNING + timedelta(minutes=minutes)
    ticks = health(WELL, PLACE, calendar=FakeCalendar(), at=at).components.ticks
    assert ticks is not None
    assert (ticks.state, ticks.age_in_slots) == (State.OK, slots)


def test_without_a_database_nothing_else_is_known_and_nothing_is_guessed() -> None:
    found = without_database(MORNING)
    assert found.state is State.FAILING
    known = {one.name for one in fields(Components) if getattr(found.components, one.name)}
    assert known == {"database"}


def test_accounts_of_other_environments_are_none_of_the_brokers() -> None:
    elsewhere = replace(WELL.accounts[0], environment="tape", account="987654321")
    vitals = replace(WELL, accounts=[*WELL.accounts, elsewhere])
    broker = health(vitals, PLACE, calendar=FakeCalendar(), at=MORNING).components.broker
    assert broker is not None
    assert broker.accounts == ("...789",)
