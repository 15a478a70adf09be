"""Adopting rows of the users' own tables, which no broker has yet."""

import pytest

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.services.adopt import adopt
from exit_pipeline.services.import_held import import_held
from exit_pipeline_tests.desk import CALL, FAR_CALL, PUT, Desk, decision
from exit_pipeline_tests.fakes import FakeVendor

ROW = (
    "INSERT INTO refactored_positions (id, symbol, direction, quantity, entry_price, entry_time,"
    " status, strike, expiration, option_type) VALUES ('{id}', 'ACME', 'CALL', 2, 2.00,"
    " '2026-03-16T15:00Z', 'OPEN', {strike}, '2026-04-17', 'CALL')"
)


@pytest.fixture
def desk(database_url: str) -> Desk:
    desk = Desk(database_url)
    desk.rows_changed(ROW.format(id="old", strike=100))
    return desk


def adopted(desk: Desk, *ids: str, account: str | None = "desk", policy: str | None = None) -> int:
    return adopt(ids, account, policy, broker=desk.broker, database=desk.database)


def test_an_adopted_position_is_held_by_the_broker_and_its_exit_is_sent(desk: Desk) -> None:
    assert adopted(desk, "old") == 1
    assert [(held.symbol, held.quantity) for held in desk.broker.positions("desk")] == [(CALL, 2)]
    desk.quote(CALL, "1.15", "1.25")
    report = desk.tick()
    assert decision(report, "old").exit_reason == "STOP_LOSS"
    assert desk.position("old").status == "CLOSED"


def test_a_policy_may_come_with_it(desk: Desk) -> None:
    adopted(desk, "old", policy="stop_loss.percent=60")
    desk.quote(CALL, "1.15", "1.25")
    assert decision(desk.tick(), "old").decision == "HOLD"


@pytest.mark.parametrize(
    ("ids", "account", "policy", "said"),
    [
        pytest.param(["nobody"], "desk", None, "'nobody' is not open", id="unknown"),
        pytest.param(["old", "odd"], "desk", None, "contract is not known", id="no contract"),
        pytest.param(["old"], "unassigned", None, "stands for positions", id="the pseudo-account"),
        pytest.param(["old"], "desk", "stop_los=1", "stop_los", id="bad policy"),
        pytest.param(["old"], None, None, "say which with --account", id="no account"),
    ],
)
def test_what_cant_be_adopted_is_refused_and_nothing_is_changed(
    desk: Desk, ids: list[str], account: str | None, policy: str | None, said: str
) -> None:
    desk.rows_changed(ROW.format(id="odd", strike="NULL"))
    with pytest.raises(InputError, match=said):
        adopted(desk, *ids, account=account, policy=policy)
    assert desk.rows("SELECT * FROM paper.deposits") == []
    assert desk.rows("SELECT * FROM refactored_positions WHERE broker IS NOT NULL") == []


def test_a_position_is_adopted_once(desk: Desk) -> None:
    adopted(desk, "old")
    with pytest.raises(InputError, match="a broker has it already"):
        adopted(desk, "old", account="other")


def test_an_adoption_that_was_cut_off_is_done_again(desk: Desk) -> None:
    adopted(desk, "old")
    desk.rows_changed(
        "UPDATE refactored_positions SET broker = NULL, environment = NULL, account = NULL"
    )
    assert adopted(desk, "old") == 1
    assert [held.quantity for held in desk.broker.positions("desk")] == [2]


# Rows that were imported from a broker's account

IMPORTED = f"vendor-V1-{CALL}"


@pytest.fixture
def vendor(desk: Desk) -> FakeVendor:
    """A vendor whose account holds two calls, which are imported."""
    vendor = FakeVendor()
    vendor.hold(CALL, 2)
    desk.broker = vendor
    refresh(desk)
    return vendor


def refresh(desk: Desk) -> None:
    import_held(
        "V1",
        broker=desk.broker,
        database=desk.database,
        calendar=desk.calendar,
        at=desk.clock.now(),
    )


def row(desk: Desk, name: str = IMPORTED) -> tuple[bool, str | None, str | None]:
    found = desk.database.positions.open_positions("paper", position_ids=[name])
    return found[0].managed, found[0].account, found[0].policy


@pytest.mark.parametrize("account", [None, "V1"], ids=["its own", "given"])
@pytest.mark.parametrize("policy", [None, "gex_flip=off"], ids=["default", "a policy"])
@pytest.mark.usefixtures("vendor")
def test_an_imported_row_is_managed_once_it_is_adopted(
    desk: Desk, account: str | None, policy: str | None
) -> None:
    assert row(desk) == (False, "V1", None)
    assert adopted(desk, IMPORTED, account=account, policy=policy) == 1
    assert row(desk) == (True, "V1", policy)
    with pytest.raises(InputError, match="a broker has it already"):
        adopted(desk, IMPORTED, account=account)


@pytest.mark.usefixtures("vendor")
def test_rows_of_both_kinds_are_adopted_together(desk: Desk) -> None:
    assert adopted(desk, IMPORTED, "old", account="V1") == 2
    assert row(desk, "old")[:2] == row(desk)[:2] == (True, "V1")


@pytest.mark.usefixtures("vendor")
def test_an_imported_row_stays_in_the_account_that_holds_it(desk: Desk) -> None:
    with pytest.raises(InputError) as caught:
        adopted(desk, "old", IMPORTED, account="V2")
    assert str(caught.value) == f"account is 'V2'; position '{IMPORTED}' is held in V1"
    assert not row(desk)[0]
    assert row(desk, "old")[1] is None


@pytest.mark.usefixtures("vendor")
def test_another_broker_cant_adopt_it(desk: Desk) -> None:
    desk.broker = FakeVendor()
    desk.broker.name = "other"
    with pytest.raises(InputError, match="a broker has it already"):
        adopted(desk, IMPORTED, account=None)


def test_a_leg_of_a_spread_is_refused_with_the_legs_opposite(
    desk: Desk, vendor: FakeVendor
) -> None:
    vendor.hold(PUT, -1)
    vendor.hold(FAR_CALL, -1)
    refresh(desk)
    with pytest.raises(InputError) as caught:
        adopted(desk, f"vendor-V1-{FAR_CALL}", IMPORTED, account=None)
    assert str(caught.value) == (
        f"{IMPORTED} looks like a leg of a spread with vendor-V1-{PUT}; it can't be adopted singly"
    )
    assert not row(desk, f"vendor-V1-{FAR_CALL}")[0]
    assert adopted(desk, f"vendor-V1-{FAR_CALL}", account=None) == 1
