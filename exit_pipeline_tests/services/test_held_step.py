"""What an import makes of rows and holdings: no quantity is invented, no managed row is touched."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.model.contract import parse_contract
from exit_pipeline.core.model.holdings import HeldStep
from exit_pipeline.core.model.order import HeldPosition
from exit_pipeline.core.model.position import Position, PositionSide
from exit_pipeline.services.held_step import Plan, plan_step, with_entries

AT = datetime(2026, 3, 17, 14, 0, tzinfo=UTC)
BEFORE = AT - timedelta(days=3)
CALL = "ACME260417C00100000"
PUT = "ACME260417P00100000"


def row(name: str, quantity: int, *, managed: bool = True, **other: Any) -> Position:
    values: dict[str, Any] = {
        "symbol": CALL,
        "entry_price": Decimal("2.0000"),
        "reserved_quantity": 0,
    }
    values |= other
    contract = parse_contract(values.pop("symbol"))
    return Position(
        id=name,
        broker="vendor",
        environment="paper",
        account="V1",
        contract=contract,
        underlying=contract.underlying,
        side=PositionSide.LONG if quantity > 0 else PositionSide.SHORT,
        quantity=abs(quantity),
        entry_time=BEFORE,
        managed=managed,
        **values,
    )


def held(quantity: int, symbol: str = CALL, price: str = "2.00", **other: Any) -> HeldPosition:
    return HeldPosition(
        account="V1", symbol=symbol, quantity=quantity, average_price=Decimal(price), **other
    )


def plan(
    rows: list[Position], told: list[HeldPosition], settling: frozenset[str] = frozenset()
) -> Plan:
    now = HeldStep(broker="vendor", environment="paper", account="V1", basis=rows, at=AT)
    return plan_step(now, told, lambda contract: contract.symbol in settling)


def changes(made: Plan) -> dict[str, int]:
    """New open quantity by id of what changes, signed for new rows; 0 for what is gone."""
    step = made.step
    return {
        **{new.id: new.quantity * (1 if new.side == "LONG" else -1) for new in step.added},
        **{one.position_id: one.quantity for one in step.resized},
        **dict.fromkeys(step.gone, 0),
    }


NEW = f"vendor-V1-{CALL}"


@pytest.mark.parametrize(
    ("rows", "quantity", "expected"),
    [
        pytest.param([], 3, {NEW: 3}, id="new and long"),
        pytest.param([], -3, {NEW: -3}, id="new and short"),
        pytest.param([row("m", 3)], 3, {}, id="what is managed is held"),
        pytest.param([row("m", 2)], 5, {NEW: 3}, id="more than is managed"),
        pytest.param([row("m", -2)], -5, {NEW: -3}, id="more than is managed, short"),
        pytest.param([row("m", 2), row("u", 1, managed=False)], 5, {"u": 3}, id="the row grows"),
        pytest.param([row("m", 2), row("u", 3, managed=False)], 3, {"u": 1}, id="the row shrinks"),
        pytest.param([row("m", 2), row("u", 3, managed=False)], 2, {"u": 0}, id="the row is gone"),
        pytest.param([row("u", 3, managed=False)], 0, {"u": 0}, id="nothing is held"),
        pytest.param([row("u", -3, managed=False)], -1, {"u": 1}, id="a short row shrinks"),
        pytest.param([row("a", 1), row("b", 2)], 4, {NEW: 1}, id="two managed rows of one symbol"),
        pytest.param([row("m", 4, exited_quantity=3)], 1, {}, id="what was exited is not missing"),
    ],
)
def test_the_difference_is_the_unmanaged_rows(
    rows: list[Position], quantity: int, expected: dict[str, int]
) -> None:
    made = plan(rows, [held(quantity)] if quantity else [])
    assert changes(made) == expected
    assert made.alerts == []


@pytest.mark.parametrize(
    ("rows", "quantity", "severity", "said"),
    [
        pytest.param([row("m", 2)], 1, "CRITICAL", "1 LONG of .* and 2 are managed", id="fewer"),
        pytest.param([row("m", 2)], 0, "CRITICAL", "none of .* and 2 are managed", id="none"),
        pytest.param([row("m", -2)], -1, "CRITICAL", "1 SHORT of", id="fewer, short"),
        pytest.param([row("m", 2)], -1, "CRITICAL", "1 SHORT .* where .* are 2 LONG", id="turned"),
        pytest.param(
            [row("u", 2, managed=False)], -1, "WARNING", "where", id="turned, and not managed"
        ),
    ],
)
def test_what_no_import_may_settle_is_an_alert_and_nothing_changes(
    rows: list[Position], quantity: int, severity: str, said: str
) -> None:
    made = plan(rows, [held(quantity)] if quantity else [])
    assert changes(made) == {}
    (alert,) = made.alerts
    assert (alert.cause, alert.severity, alert.subject) == ("HELD_DIFFERS", severity, NEW)
    assert re.search(said, alert.message)


def test_of_one_held_the_unmanaged_row_goes_before_a_managed_one_is_missing() -> None:
    made = plan([row("m", 2), row("u", 1, managed=False)], [held(1)])
    assert changes(made) == {"u": 0}
    assert [alert.severity for alert in made.alerts] == ["CRITICAL"]


@pytest.mark.parametrize("quantity", [5, 4, 3], ids=["unfilled", "partly filled", "filled"])
def test_contracts_in_a_live_order_are_missing_nowhere(quantity: int) -> None:
    """Their fills may be on the way to the books, so neither row nor alert is made of them."""
    rows = [row("m", 4, reserved_quantity=2), row("u", 1, managed=False)]
    made = plan(rows, [held(quantity)])
    assert (changes(made), made.alerts) == ({}, [])


def test_fewer_than_a_live_order_may_have_taken_are_missing() -> None:
    made = plan([row("m", 4, reserved_quantity=2)], [held(1)])
    assert [alert.cause for alert in made.alerts] == ["HELD_DIFFERS"]


def test_an_unmanaged_row_follows_the_brokers_price() -> None:
    made = plan([row("u", 1, managed=False)], [held(1, price="2.12505")])
    (resized,) = made.step.resized
    assert resized.entry_price == Decimal("2.1251")
    assert made.notes == ["u: entry price 2.00 is now 2.1251"]


def test_a_price_that_is_not_told_any_more_keeps_the_last_one() -> None:
    made = plan([row("u", 1, managed=False)], [held(2, price="0")])
    (resized,) = made.step.resized
    assert (resized.quantity, resized.entry_price) == (2, Decimal("2.0000"))


@pytest.mark.parametrize("price", ["0", "0.00004"])
def test_a_holding_without_a_price_is_not_imported_and_says_what_to_do(price: str) -> None:
    made = plan([], [held(-2, price=price)])
    assert changes(made) == {}
    (alert,) = made.alerts
    assert (alert.cause, alert.severity) == ("ENTRY_PRICE_UNKNOWN", "WARNING")
    assert alert.message == (
        f"SHORT 2 of {CALL} in account V1 can't be imported, since the broker tells no entry "
        f"price; import it as a CSV (exit-pipeline positions import FILE.csv)"
    )


@pytest.mark.parametrize("symbol", ["ACME", "BTCUSD", "ACME260417C00000000", "ACME260231C00100000"])
def test_what_is_no_option_is_left_out(symbol: str) -> None:
    made = plan([], [held(3, symbol)])
    assert (changes(made), made.alerts) == ({}, [])


def test_an_adjusted_contract_is_imported_like_any_other() -> None:
    made = plan([], [held(3, "ACME1260417C00100000")])
    assert changes(made) == {"vendor-V1-ACME1260417C00100000": 3}


def test_how_a_contract_ended_is_left_to_its_settlement() -> None:
    rows = [row("m", 2), row("u", 1, managed=False, symbol=PUT)]
    made = plan(rows, [held(1, "ACME260417C00200000")], frozenset({CALL, PUT}))
    assert changes(made) == {"vendor-V1-ACME260417C00200000": 1}
    assert made.alerts == []


def test_a_holding_was_entered_when_the_broker_says_or_else_when_it_was_first_seen() -> None:
    made = plan([], [held(1, acquired_at=BEFORE), held(1, PUT)])
    assert {new.symbol: new.entry_time for new in made.step.added} == {CALL: BEFORE, PUT: AT}
    assert {new.imported_at for new in made.step.added} == {AT}
    earlier = with_entries(made.step, {PUT: BEFORE})
    assert {new.entry_time for new in earlier.added} == {BEFORE}


QUANTITIES = st.integers(min_value=-5, max_value=5)
SOME = st.lists(st.integers(min_value=1, max_value=4), max_size=3)


@given(st.sampled_from([1, -1]), SOME, st.integers(min_value=0, max_value=4), QUANTITIES)
def test_rows_add_up_to_what_is_held_unless_an_alert_says_why_not(
    side: int, managed: list[int], unmanaged: int, quantity: int
) -> None:
    rows = [row(f"m{index}", side * size) for index, size in enumerate(managed)]
    rows += [row("u", side * unmanaged, managed=False)] if unmanaged else []
    made = plan(rows, [held(quantity)] if quantity else [])
    changed = changes(made)
    after = sum(changed.pop(one.id, one.open_quantity) * side for one in rows)
    after += sum(changed.values())
    assert (after == quantity) is (made.alerts == [])
    assert {one.position_id for one in made.step.resized} | set(made.step.gone) <= {"u"}
