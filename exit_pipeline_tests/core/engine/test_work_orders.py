"""What becomes of a working exit order when its position is decided again."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from exit_pipeline.core.engine.work_orders import (
    LONG,
    PATIENCE,
    Due,
    Handling,
    handle_working,
    has_waited_long,
)
from exit_pipeline.core.model.decision import Urgency
from exit_pipeline.core.model.exit_order import ExitOrder
from exit_pipeline.core.model.order import OrderRequest, OrderSide, OrderStatus

NOW = datetime(2026, 3, 17, 15, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SELL, BUY = OrderSide.SELL_TO_CLOSE, OrderSide.BUY_TO_CLOSE
PATIENT, NORMAL, FAST, EMERGENCY = Urgency
KEEP, REPLACE = Handling.KEEP, Handling.REPLACE
CANCEL, AGAIN = Handling.FINISH_CANCEL, Handling.SEND_AGAIN


def working(status="ACCEPTED", *, side=SELL, urgency=NORMAL, limit="1.90", minutes=5, filled=0):
    """A working order of four contracts that was sent some minutes ago."""
    return ExitOrder(
        id="1",
        intent_at=NOW - minutes * MINUTE,
        run_id="run",
        position_id="a",
        request=OrderRequest(
            client_order_id="em-paper-0-1",
            account="desk",
            symbol="ACME260417C00100000",
            side=side,
            quantity=4,
            limit_price=Decimal(limit),
        ),
        broker="paper",
        environment="paper",
        exit_action="FULL",
        exit_reason="TIME_EXIT",
        urgency=urgency.name,
        attempt=1,
        status=OrderStatus(status),
        filled_quantity=filled,
    )


def due(urgency=NORMAL, *, quantity=4, limit="1.70", worst="1.60", far="1.80"):
    """An exit that is due now; None for each price that the quote does not give."""
    return Due(
        exit_reason="TIME_EXIT",
        urgency=urgency,
        quantity=quantity,
        limit=limit and Decimal(limit),
        worst=worst and Decimal(worst),
        far_side=far and Decimal(far),
        at=NOW,
    )


UNPRICED = {"limit": None, "worst": None, "far": None}


@pytest.mark.parametrize(
    ("order", "now", "handling"),
    [
        pytest.param(working(), due(), REPLACE, id="the market has left it behind"),
        pytest.param(working(), None, KEEP, id="nothing is due any more"),
        pytest.param(working(), due(far="1.90", limit="1.80"), KEEP,
                     id="it is at the bid and lacks size, not a lower price"),
        pytest.param(working(), due(far="1.95"), KEEP, id="the bid is above it"),
        pytest.param(working(), due(limit="1.90"), KEEP, id="a new price would go no further"),
        pytest.param(working(), due(limit="1.95"), KEEP, id="a new price would ask for more"),
        pytest.param(working(), due(**UNPRICED), KEEP, id="there is no quote to reprice from"),
        pytest.param(working(minutes=4), due(), KEEP, id="a normal one rests one tick"),
        pytest.param(working(urgency=PATIENT, minutes=14), due(PATIENT), KEEP,
                     id="a patient one rests three ticks"),
        pytest.param(working(urgency=PATIENT, minutes=15), due(PATIENT), REPLACE,
                     id="a patient one after three ticks"),
        pytest.param(working(urgency=FAST, minutes=0), due(FAST), REPLACE,
                     id="a fast one does not rest"),
        pytest.param(working(urgency=EMERGENCY, minutes=0), due(EMERGENCY), REPLACE,
                     id="an emergency does not rest"),
        pytest.param(working(urgency=EMERGENCY, minutes=4), due(NORMAL), KEEP,
                     id="what has become less urgent has the patience of what is due"),
        pytest.param(working(urgency=PATIENT, minutes=0), due(FAST, far="1.95", limit="1.95"),
                     REPLACE, id="a stop takes the place of a resting profit order"),
        pytest.param(working(minutes=0), due(FAST, **UNPRICED), KEEP,
                     id="a stop without a price leaves at least the order there is"),
        pytest.param(working(minutes=0), due(quantity=5), REPLACE, id="more contracts are due"),
        pytest.param(working(minutes=0, filled=3, status="PARTIAL_FILL"), due(quantity=2), REPLACE,
                     id="more are due than the order has left"),
        pytest.param(working(minutes=0, filled=2, status="PARTIAL_FILL"), due(quantity=2), KEEP,
                     id="as many are due as it has left"),
        pytest.param(working(minutes=0), due(quantity=1), KEEP, id="fewer contracts are due"),
        pytest.param(working(side=BUY, limit="2.10"), due(limit="2.30", worst="2.40", far="2.20"),
                     REPLACE, id="the market has left a purchase behind"),
        pytest.param(working(side=BUY, limit="2.10"), due(limit="2.20", worst="2.30", far="2.10"),
                     KEEP, id="a purchase is at the ask"),
        pytest.param(working(side=BUY, limit="2.10"), due(limit="2.10", worst="2.30", far="2.20"),
                     KEEP, id="a new purchase would go no further"),
        pytest.param(working("PARTIAL_FILL", filled=1), due(quantity=3), REPLACE,
                     id="what a partial fill has left is repriced too"),
        pytest.param(working("PENDING_CANCEL"), due(), CANCEL, id="a cancel goes on"),
        pytest.param(working("PENDING_CANCEL"), None, CANCEL,
                     id="a cancel goes on when nothing is due any more"),
        pytest.param(working("PENDING_CANCEL", minutes=0), due(**UNPRICED), CANCEL,
                     id="a cancel goes on without a quote"),
    ],
)  # fmt: skip
def test_a_working_order_is_kept_replaced_or_cancelled(order, now, handling):
    assert handle_working(order, now, may_send_again=False) is handling
    assert handle_working(order, now, may_send_again=True) is handling


@pytest.mark.parametrize("status", ["PENDING", "SUBMITTED", "UNKNOWN"])
@pytest.mark.parametrize(
    ("now", "may_send_again", "handling"),
    [
        pytest.param(due(), True, AGAIN, id="it can't make a second order"),
        pytest.param(due(), False, KEEP, id="it might make a second order"),
        pytest.param(due(worst="1.90"), True, AGAIN, id="its price is the worst there is"),
        pytest.param(due(worst="1.95"), True, KEEP, id="its price is beyond the newest bounds"),
        pytest.param(due(**UNPRICED), True, KEEP, id="nobody knows the bounds"),
        pytest.param(due(EMERGENCY, quantity=9), False, KEEP, id="no urgency makes it safe"),
        pytest.param(None, True, KEEP, id="nothing is due any more"),
    ],
)
def test_an_order_that_is_not_shown_is_sent_again_only_where_that_makes_one_of_it(
    status, now, may_send_again, handling
):
    order = working(status, minutes=60)
    assert handle_working(order, now, may_send_again=may_send_again) is handling


@pytest.mark.parametrize(
    ("worst", "handling"),
    [("1.95", AGAIN), ("1.90", AGAIN), ("1.85", KEEP)],
)
def test_a_purchase_is_sent_again_while_it_pays_no_more_than_the_newest_worst(worst, handling):
    order = working("UNKNOWN", side=BUY)
    assert handle_working(order, due(worst=worst), may_send_again=True) is handling


@pytest.mark.parametrize("urgency", Urgency)
@pytest.mark.parametrize("short", [0, 1], ids=["over", "a second short"])
def test_each_urgency_has_a_patience_of_its_own(urgency, short):
    at = NOW + PATIENCE[urgency] - timedelta(seconds=short)
    order = working(urgency=urgency, minutes=0)
    now = Due(
        exit_reason="TIME_EXIT",
        urgency=urgency,
        quantity=4,
        limit=Decimal("1.70"),
        worst=Decimal("1.60"),
        far_side=Decimal("1.80"),
        at=at,
    )
    expected = REPLACE if at - order.intent_at >= PATIENCE[urgency] else KEEP
    assert handle_working(order, now, may_send_again=False) is expected


def test_more_urgency_never_waits_longer():
    waits = [PATIENCE[urgency] for urgency in sorted(Urgency)]
    assert waits == sorted(waits, reverse=True)


def test_an_order_that_has_worked_for_three_ticks_is_a_persons_matter():
    order = working(minutes=0)
    assert not has_waited_long(order, NOW + LONG - timedelta(seconds=1))
    assert has_waited_long(order, NOW + LONG)
