"""What must hold at every order that leaves, judged as it leaves: I1, I5, I6, I11, I12 and I14."""

from datetime import timedelta
from typing import Any, Final

from exit_pipeline.core.engine.price_orders import tick_size
from exit_pipeline.core.model.contract import parse_contract
from exit_pipeline_tests.simulation.books import LIVE
from exit_pipeline_tests.simulation.faults import TRADIER
from exit_pipeline_tests.simulation.quotes import why_bad
from exit_pipeline_tests.simulation.venues import Posted

_ROW: Final = """
    SELECT o.*, p.quantity AS held, p.environment AS position_environment,
           p.account AS position_account, d.quote_grade, d.created_at AS decision_at,
           d.bid, d.ask, d.nonfinite, d.quoted_at, d.feed_at, d.feed_age_limit, d.decided_at,
           r.tick_at, r.request_id
    FROM orders o JOIN refactored_positions p ON p.id = o.refactored_position_id
    LEFT JOIN refactored_decisions d ON d.id = o.decision_id
    LEFT JOIN decision_runs r ON r.id = o.run_id
    WHERE o.client_order_id = %s
"""
_OF_POSITION: Final = """
    SELECT client_order_id FROM orders WHERE refactored_position_id = %s AND attempt IS NOT NULL
"""
_WITHOUT_A_QUOTE: Final = frozenset({"FORCE_CLOSE", "EXPIRY", "TIME_EXIT"})
_DECIDED_WITHIN: Final = timedelta(seconds=75)
"""A decision passes the last gate for 60 seconds, and may be written for 5 more; the rest is for
what the gate itself and the connection take."""

_LATEST: Final = timedelta(minutes=5) + _DECIDED_WITHIN
"""From the next tick's time on a tick decides nothing any more."""


class Postings:
    """Judges every order that is sent.

    Attributes:
        count: Orders sent so far.
        sent: What was sent under each id.
    """

    def __init__(self, world: Any) -> None:
        self.count = 0
        self.sent: dict[str, Posted] = {}
        self._world = world
        self._past_the_gate = 0

    def judge(self, posted: Posted) -> None:
        """An order is about to leave."""
        self.count += 1
        name = posted.client_order_id
        before = self.sent.setdefault(name, posted)
        if before != posted:
            self._violate("I6", f"{name} is sent as {posted}, and was sent before as {before}")
        rows = self._world.database.rows(_ROW, name)
        if not rows:
            self._violate("I5", f"{name} is sent and no intent of it is committed")
            return
        (row,) = rows
        self._judge_row(posted, row)
        if before is posted and row["last_missed_at"] is None:
            self._judge_decision(name, row)
        self._judge_session(posted)
        self._judge_switch(name, row)
        self._judge_quantity(posted, row)

    def _judge_row(self, posted: Posted, row: dict[str, Any]) -> None:
        name, side = posted.client_order_id, "SELL_TO_CLOSE" if posted.sells else "BUY_TO_CLOSE"
        asked = (row["symbol"], row["side"], row["quantity"], row["limit_price"])
        if asked != (posted.symbol, side, posted.quantity, posted.limit):
            self._violate("I5", f"{name} is sent as {posted}, and its intent is {asked}")
        if row["status"] not in LIVE:
            self._violate("I5", f"{name} is sent although it is {row['status']}")
        if (row["environment"], row["account"], row["mode"]) != (
            row["position_environment"],
            row["position_account"],
            "PAPER",
        ):
            self._violate("I14", f"{name} leaves for another environment than its position's")
        tick = tick_size(parse_contract(posted.symbol).root, posted.limit)
        if posted.limit % tick:
            self._violate("I11", f"{name} is limited at {posted.limit}, off the tick of {tick}")
        worst = row["worst_price"]
        is_worse = posted.limit < worst if posted.sells else posted.limit > worst
        if is_worse:
            self._violate("I11", f"{name} is limited at {posted.limit}, beyond its worst {worst}")
        if row["quote_grade"] == "BAD" and row["exit_reason"] not in _WITHOUT_A_QUOTE:
            self._violate("I15", f"{name} leaves for {row['exit_reason']} on a bad quote")

    def _judge_decision(self, name: str, row: dict[str, Any]) -> None:
        """What an order is sent on when it is sent first: a decision of now, on a usable quote."""
        at = self._world.timeline.at
        if row["decision_at"] is None:
            return
        if at - row["decision_at"] > _DECIDED_WITHIN:
            self._violate("I11", f"{name} is sent {at - row['decision_at']} after its decision")
        if not row["request_id"] and at - row["tick_at"] > _LATEST and not self._world.wall.offset:
            self._violate("I11", f"{name} is sent by the tick of {row['tick_at']}, which is late")
        if why := why_bad(row):
            self._violate("I15", f"{name} leaves for {row['exit_reason']} on a bad quote: {why}")

    def _judge_session(self, posted: Posted) -> None:
        at = self._world.timeline.at
        closed = self._world.plan.calendar.why_closed(at)
        if closed:
            self._violate("I11", f"{posted.client_order_id} is sent while {closed}")

    def _judge_switch(self, name: str, row: dict[str, Any]) -> None:
        if "trading_control" not in self._world.database.tables:
            return
        (control,) = self._world.database.rows("SELECT state, changed_at FROM trading_control")
        if control["state"] == "ACTIVE":
            self._past_the_gate = 0
            return
        if row["created_at"] > control["changed_at"]:
            self._violate("I12", f"{name} was made and sent under {control['state']}")
        self._past_the_gate += 1
        if self._past_the_gate > 1:
            self._violate("I12", f"{name} is the second order sent under {control['state']}")

    def _judge_quantity(self, posted: Posted, row: dict[str, Any]) -> None:
        """With it, no more than is held may be closed, were everything under way to arrive."""
        world, name = self._world, posted.client_order_id
        found = world.database.rows(_OF_POSITION, row["refactored_position_id"])
        ours = {one["client_order_id"] for one in found} - {name}
        if ours & world.doubled:
            return
        there = [one for one in world.venue.orders() if one.client_order_id in ours]
        closing = sum(order.filled + order.left for order in there)
        # A broker that takes an id once for ever refuses what arrives of one that it has.
        is_once = world.plan.broker not in TRADIER
        refused = {one.client_order_id for one in there} if is_once else set()
        arriving = {one.client_order_id: one.quantity for one in world.under_way}
        closing += sum(arriving[one] for one in ours & arriving.keys() - refused)
        if closing + posted.quantity > row["held"]:
            message = (
                f"{name} would close {posted.quantity} of {row['refactored_position_id']}, of whose"
                f" {row['held']} contracts {closing} are filled, at work or under way"
            )
            self._violate("I1", message)

    def _violate(self, invariant: str, message: str) -> None:
        self._world.history.violate(invariant, message)
