"""I9, I13 and I16: what a run leaves behind.

Every position of a tick has its decision, every change of an order its event, and a dry run holds
no account.
"""

from typing import Any, Final

from exit_pipeline_tests.simulation.engine import Launch

_UNDECIDED: Final = """
    SELECT p.id, count(d.id) AS decisions
    FROM decision_runs r
    JOIN refactored_positions p ON p.account = r.account AND p.environment = r.environment
    LEFT JOIN refactored_decisions d ON d.run_id = r.id AND d.position_id = p.id
    WHERE r.dagster_run_id = %s AND r.status = 'SUCCEEDED'
      AND (p.status = 'OPEN' OR p.exit_time > r.finished_at)
      AND (%s::text[] IS NULL OR p.id = ANY(%s))
    GROUP BY p.id HAVING count(d.id) <> 1
"""
_HELD_FOR_NOTHING: Final = """
    SELECT l.account, l.holder FROM account_leases l
    JOIN decision_runs r ON r.dagster_run_id = l.holder WHERE r.dry_run
"""
_WITHOUT_DECISION: Final = """
    SELECT o.client_order_id FROM orders o
    LEFT JOIN refactored_decisions d ON d.id = o.decision_id
    WHERE o.attempt IS NOT NULL AND (d.id IS NULL OR d.created_at > o.created_at OR d.dry_run)
"""
_BROKEN_EVENTS: Final = """
    SELECT o.client_order_id, o.status, e.to_status FROM orders o
    LEFT JOIN LATERAL (SELECT to_status FROM order_events e WHERE e.order_id = o.id
                       ORDER BY seq DESC LIMIT 1) e ON true
    WHERE o.attempt IS NOT NULL AND o.status IS DISTINCT FROM e.to_status
    UNION ALL
    SELECT o.client_order_id, e.from_status, e.before FROM (
        SELECT order_id, from_status,
               lag(to_status) OVER (PARTITION BY order_id ORDER BY seq) AS before
        FROM order_events) e JOIN orders o ON o.id = e.order_id
    WHERE e.from_status IS DISTINCT FROM e.before
"""


def check_decisions(world: Any, launch: Launch) -> None:
    """A run that ended well has one decision for each position that was open all along.

    One that only decides keeps nobody from working the account.
    """
    only = list(launch.position_ids) if launch.position_ids else None
    for row in world.database.rows(_UNDECIDED, launch.key, only, only):
        world.history.violate(
            "I9", f"run {launch.key} has {row['decisions']} decisions of {row['id']}, expected one"
        )

    for row in world.database.rows(_HELD_FOR_NOTHING):
        world.history.violate("I13", f"the dry run {row['holder']} holds {row['account']}")


def check_records(world: Any) -> None:
    """At the end of a seed: orders come from decisions, and their states from events."""
    for row in world.database.rows(_WITHOUT_DECISION):
        world.history.violate(
            "I9", f"{row['client_order_id']} comes from no decision that was there before it"
        )
    if "order_events" in world.database.tables:
        for row in world.database.rows(_BROKEN_EVENTS):
            world.history.violate(
                "I16",
                f"{row['client_order_id']} is {row['status']}, and its events say"
                f" {row['to_status']}",
            )
