"""A fixed sample of the matrix, in which every point, story and broker occurs."""

from typing import Final

from exit_pipeline_tests.crash.lab import Case, Kill

_KILLS: Final = (
    ("a position is closed by hand", "alpaca", False, (
        "orders.ended_orders.after",
        "audit_trail.link_runs.before_commit",
    )),
    ("a position is closed by hand", "alpaca", True, (
        "closings.counted.after",
        "closings.unexplained.after",
        "closings.explain.before_commit",
        "closings.explain.after_commit",
    )),
    ("an expiry is settled", "paper", False, (
        "positions.closed_elsewhere.after",
        "audit_trail.link_runs.after_commit",
    )),
    ("a person wants it closed", "alpaca", True, (
        "exit_requests.expired.after",
        "exit_requests.note_expired.before_commit",
        "exit_requests.note_expired.after_commit",
        "exit_requests.in_force.after",
        "exit_requests.consume.before_commit",
        "exit_requests.consume.after_commit",
    )),
    ("a stop is repriced", "paper", False, (
        "broker.find_order.after_commit",
        "broker.cancel.before_commit",
        "broker.cancel.after_commit",
    )),
    ("a stop pre-empts a resting profit", "paper", True, (
        "broker.positions.before_commit",
        "broker.positions.after_commit",
    )),
    ("a short's exit", "paper", False, (
        "broker.working_orders.after_commit",
        "broker.submit.before_commit",
        "broker.submit.after_commit",
    )),
    ("an order is rejected", "alpaca", True, (
        "broker.find_order.after",
        "runs.raise_alerts.before_commit",
    )),
    ("a stop pre-empts a resting profit", "alpaca", False, (
        "broker.cancel.first_byte",
        "broker.cancel.written",
    )),
    ("an expiry is settled", "tradier", True, (
        "runs.raise_alerts.after_commit",
        "broker.settlements.before",
    )),
    ("a stop is repriced", "tradier", False, ("broker.cancel.before", "broker.cancel.after",)),
    ("a partial fill, then the rest", "tradier", True, (
        "broker.submit.first_byte",
        "broker.submit.answered",
        "broker.find_order.before",
    )),
    ("a plain exit", "tradier", False, ("broker.submit.before", "broker.submit.after",)),
    ("the request is lost", "alpaca", True, (
        "orders.is_being_sent.after",
        "orders.give_up.before_commit",
        "orders.give_up.after_commit",
    )),
    ("a fill during the cancel", "tradier", False, (
        "orders.begin_cancel.before_commit",
        "orders.begin_cancel.after_commit",
        "broker.cancel.answered",
    )),
    ("the answer is lost", "alpaca", True, ("broker.submit.written",)),
    ("an expiry is settled", "alpaca", False, (
        "broker.settlements.after",
        "positions.settle.before_commit",
        "positions.settle.after_commit",
    )),
    ("a stop pre-empts a resting profit", "tradier", True, (
        "orders.last_attempts.after",
        "orders.book.before_commit",
        "orders.book.after_commit",
    )),
    ("a short's exit", "alpaca", False, (
        "orders.record_intent.before_commit",
        "orders.record_intent.after_commit",
        "orders.sending.after",
    )),
    ("a short's exit", "tradier", True, (
        "orders.sending.before_commit",
        "orders.sending.after_commit",
        "orders.under_ids.after",
    )),
    ("a stop is repriced", "alpaca", False, (
        "broker.working_orders.after",
        "broker.positions.before",
        "broker.positions.after",
    )),
    ("two positions of one contract", "alpaca", True, (
        "broker.working_orders.before",
        "decisions.keep_policies.before_commit",
        "decisions.keep_policies.after_commit",
    )),
    ("the request is lost", "tradier", False, (
        "orders.mark_status.after_commit",
        "orders.record_missed.before_commit",
        "orders.record_missed.after_commit",
    )),
    ("two positions of one contract", "tradier", True, (
        "decisions.record.before_commit",
        "decisions.record.after_commit",
        "decisions.of_runs.after",
    )),
    ("the answer is lost", "tradier", False, (
        "orders.live_orders.after",
        "orders.mark_status.before_commit",
        "orders.of_runs.after",
    )),
    ("half at the profit target, the rest at the stop", "alpaca", True, (
        "positions.accounts.after",
        "positions.open_positions.after",
        "positions.refresh.after_commit",
    )),
    ("half at the profit target, the rest at the stop", "tradier", False, (
        "positions.see_gaps.before_commit",
        "positions.see_gaps.after_commit",
        "positions.refresh.before_commit",
    )),
    ("a partial fill, then the rest", "paper", True, (
        "broker.working_orders.before_commit",
        "broker.find_order.before_commit",
        "runs.close.after_commit",
    )),
    ("two positions of one contract", "paper", False, (
        "runs.log_calls.before_commit",
        "runs.log_calls.after_commit",
        "runs.close.before_commit",
    )),
    ("a position is closed by hand", "tradier", True, (
        "runs.open.after_commit",
        "positions.close_elsewhere.before_commit",
        "positions.close_elsewhere.after_commit",
    )),
    ("a plain exit", "alpaca", False, (
        "runs.open.before_commit",
        "context.keep_levels.before_commit",
        "context.keep_levels.after_commit",
        "signals.record_context.before_commit",
        "signals.record_context.after_commit",
    )),
    ("a cancel is confirmed late", "tradier", True, (
        "orders.book.after_commit",
        "orders.begin_cancel.before_commit",
        "orders.begin_cancel.after_commit",
    )),
    ("an expiry is settled", "paper", False, (
        "broker.settlements.before_commit",
        "broker.settlements.after_commit",
    )),
)  # fmt: skip
"""Story, broker, whether the killed tick is launched again, and where processes are killed, each at
the first passing after the kill before."""

SAMPLE: Final = tuple(
    Case(scenario=story, broker=broker, again=again, kills=tuple(Kill(point) for point in points))
    for story, broker, again, points in _KILLS
)
