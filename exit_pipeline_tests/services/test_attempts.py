"""The next attempt of an exit: its id, its step, and what it replaces."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from exit_pipeline.core.engine.price_orders import OrderPrice
from exit_pipeline.core.model.exit_order import LastAttempt
from exit_pipeline.core.model.order import OrderSide, OrderStatus
from exit_pipeline.core.model.position import PositionSide
from exit_pipeline.core.model.record import StoredDecision
from exit_pipeline.core.model.session import Session
from exit_pipeline.services.attempts import AttemptPlanner, client_order_id

NOW = datetime(2026, 3, 17, 15, 0, tzinfo=UTC)
SESSION = Session(
    day=NOW.date(),
    opens_at=NOW - timedelta(hours=1, minutes=30),
    closes_at=NOW + timedelta(hours=5),
)

INSTALLATION = "6f0c1a52-5a43-4a1b-9d0f-0d5c3a5e9b11"
NAMES = st.text(min_size=1, max_size=255)
ENVIRONMENTS = st.sampled_from(["paper", "live", "tape", "simulated"])
ATTEMPTS = st.integers(min_value=1, max_value=9_999)
IDENTITIES = st.tuples(st.uuids().map(str), ENVIRONMENTS, NAMES, NAMES, ATTEMPTS)


@given(IDENTITIES)
def test_an_order_id_fits_the_narrowest_broker_and_is_always_the_same(
    identity: tuple[str, str, str, str, int],
) -> None:
    made = client_order_id(*identity)
    assert made == client_order_id(*identity)
    assert len(made) <= 48
    assert re.fullmatch(r"em-[a-z]+-[0-9a-f]{20}-[0-9]+", made)


@given(IDENTITIES, IDENTITIES)
def test_two_identities_never_share_an_order_id(
    one: tuple[str, str, str, str, int], other: tuple[str, str, str, str, int]
) -> None:
    # The separator can't be in a name that people give, so no two names join to one text.
    assume("\x1f" not in "".join(one[:4] + other[:4]))
    assert (client_order_id(*one) == client_order_id(*other)) is (one == other)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("installation", "0b8e3c7e-1df7-4b7f-8f8e-6f1f3f6c2d10"),
        ("environment", "live"),
        ("account", "desk-2"),
        ("position_id", "b"),
        ("attempt", 2),
    ],
)
def test_each_part_of_the_identity_makes_another_order_id(part: str, value: Any) -> None:
    usual: dict[str, Any] = {
        "installation": INSTALLATION,
        "environment": "paper",
        "account": "desk",
        "position_id": "a",
        "attempt": 1,
    }
    assert client_order_id(**usual | {part: value}) != client_order_id(**usual)


def test_the_id_says_environment_and_attempt() -> None:
    made = client_order_id(INSTALLATION, "tape", "desk", "a", 3)
    assert made.startswith("em-tape-")
    assert made.endswith("-3")


def last(status: str, step: int = 0, *, reason: str = "STOP_LOSS", at: datetime = NOW) -> Any:
    return LastAttempt(
        attempt=3,
        step=step,
        exit_reason=reason,
        status=OrderStatus(status),
        intent_at=at,
        order_id="0003",
    )


def planner(before: LastAttempt | None, session: Session | None = SESSION) -> AttemptPlanner:
    """A planner whose tick has no more to it than what planning a step looks at."""
    tick: Any = SimpleNamespace(session=session, at=NOW)
    decided: Any = SimpleNamespace(tick=tick, policies=())
    return AttemptPlanner(
        decided=decided,
        broker="paper",
        environment="paper",
        installation=INSTALLATION,
        last={} if before is None else {"a": before},
    )


DECISION = StoredDecision(
    id="decision",
    run_id="run",
    position_id="a",
    option_symbol="ACME260417C00100000",
    decided_at=NOW,
    side="LONG",
    open_quantity=2,
    entry_price=Decimal(2),
    bid=None,
    ask=None,
    mark=None,
    quoted_at=None,
    pnl_percent=None,
    quote_flags=0,
    quote_grade="BAD",
    decision="EXIT",
    exit_action="FULL",
    exit_reason="STOP_LOSS",
    exit_quantity=2,
    urgency="FAST",
    policy_hash=None,
    fired_mask=0,
    evaluable_mask=0,
    gex_latched_after=False,
)
POSITION: Any = SimpleNamespace(id="a", account="desk", contract=None, side=PositionSide.LONG)
PRICE = OrderPrice(limit=Decimal("1.90"), worst=Decimal("1.70"))


@pytest.mark.parametrize(
    ("before", "step"),
    [
        pytest.param(None, 0, id="the first one ever"),
        pytest.param(last("CANCELLED"), 1, id="cancelled for a new price"),
        pytest.param(last("EXPIRED", 2), 3, id="expired"),
        pytest.param(last("ACCEPTED", 1), 2, id="still working"),
        pytest.param(last("PENDING_CANCEL"), 1, id="being cancelled"),
        pytest.param(last("FILLED", 2), 0, id="filled"),
        pytest.param(last("REJECTED", 2), 2, id="refused, so that price was never tried"),
        pytest.param(last("DENIED", 2), 2, id="denied, so that price was never tried"),
        pytest.param(last("ABANDONED", 2), 2, id="never placed, so that price was never tried"),
        pytest.param(last("CANCELLED", 2, reason="PROFIT_TARGET"), 0, id="of another reason"),
        pytest.param(last("EXPIRED", 2, at=NOW - timedelta(days=1)), 0, id="of the day before"),
    ],
)
def test_an_attempt_leans_one_step_more_than_the_one_of_its_exit_before(
    before: LastAttempt | None, step: int
) -> None:
    attempt = planner(before).plan(DECISION, POSITION)
    assert attempt.step == step
    assert attempt.price is None


def test_without_a_session_nothing_is_repriced() -> None:
    assert planner(last("CANCELLED"), None).plan(DECISION, POSITION).step == 0


@pytest.mark.parametrize(
    ("before", "replaces", "expected"),
    [
        pytest.param(None, False, (1, 0, None), id="the first one"),
        pytest.param(last("CANCELLED"), True, (4, 1, "0003"), id="repriced in this tick"),
        pytest.param(last("CANCELLED"), False, (4, 1, "0003"), id="repriced after a crash"),
        pytest.param(last("ACCEPTED", reason="PROFIT_TARGET"), True, (4, 0, "0003"),
                     id="in another exit's place"),
        pytest.param(last("FILLED"), False, (4, 0, None), id="after one that filled"),
    ],
)  # fmt: skip
def test_an_intent_says_its_number_its_step_and_whose_place_it_takes(
    before: LastAttempt | None, replaces: bool, expected: tuple[int, int, str | None]
) -> None:
    plan = planner(before)
    intent = plan.intent(plan.plan(DECISION, POSITION), PRICE, 2, 7, replaces=replaces)
    assert (intent.attempt, intent.step, intent.replaces) == expected
    assert (intent.fence, intent.request.limit_price, intent.worst_price) == (
        7,
        PRICE.limit,
        PRICE.worst,
    )
    assert intent.day_began_at == SESSION.opens_at
    assert intent.request.client_order_id.endswith(f"-{expected[0]}")


def test_a_hold_asks_for_nothing() -> None:
    plan = planner(None)
    attempt = plan.plan(replace(DECISION, decision="HOLD", exit_reason=None), POSITION)
    assert attempt.due(plan.decided) is None


@pytest.mark.parametrize(
    ("side", "closes", "far"),
    [
        (PositionSide.LONG, OrderSide.SELL_TO_CLOSE, Decimal("1.90")),
        (PositionSide.SHORT, OrderSide.BUY_TO_CLOSE, Decimal("2.10")),
    ],
)
def test_a_sale_hits_the_bid_and_a_purchase_the_ask(
    side: PositionSide, closes: OrderSide, far: Decimal
) -> None:
    quoted = replace(DECISION, bid=Decimal("1.90"), ask=Decimal("2.10"))
    position: Any = SimpleNamespace(id="a", account="desk", contract=None, side=side)
    attempt = planner(None).plan(quoted, position)
    assert (attempt.side, attempt.far_side) == (closes, far)
