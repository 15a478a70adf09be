"""The program's books as its database has them, read as a stranger would read them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from exit_pipeline_tests.simulation.database import SimDatabase

LIVE: Final = frozenset(
    {"PENDING", "SUBMITTED", "UNKNOWN", "ACCEPTED", "PARTIAL_FILL", "PENDING_CANCEL"}
)

_ALL: Final = """
    SELECT json_build_object(
        'orders', (SELECT coalesce(json_agg(to_jsonb(o) ORDER BY o.intent_at, o.client_order_id),
                                   '[]') FROM orders o WHERE o.attempt IS NOT NULL),
        'trades', (SELECT coalesce(json_agg(to_jsonb(t) ORDER BY t.executed_at, t.id), '[]')
                   FROM trades t),
        'closings', (SELECT coalesce(json_agg(to_jsonb(c) ORDER BY c.evidence_id, c.first_contract),
                                     '[]') FROM closings c),
        'positions', (SELECT coalesce(json_agg(to_jsonb(p) ORDER BY p.id), '[]')
                      FROM refactored_positions p),
        'leases', (SELECT coalesce(json_agg(to_jsonb(l)), '[]') FROM account_leases l))
"""


@dataclass(frozen=True)
class Books:
    """Everything that is committed at one moment.

    Attributes:
        orders: Rows of our closing orders.
        trades: Rows of executions of our orders.
        closings: Rows of what the broker told of contracts that left without an order of ours.
        positions: Rows of positions by id.
        leases: Rows of leases.
    """

    orders: list[dict[str, Any]]
    trades: list[dict[str, Any]]
    closings: list[dict[str, Any]]
    positions: dict[str, dict[str, Any]]
    leases: list[dict[str, Any]]

    @cached_property
    def by_client_id(self) -> Mapping[str, dict[str, Any]]:
        return {row["client_order_id"]: row for row in self.orders}

    @cached_property
    def booked(self) -> Mapping[str, int]:
        """Contracts booked by order."""
        found: dict[str, int] = {}
        for trade in self.trades:
            found[trade["order_id"]] = found.get(trade["order_id"], 0) + trade["quantity"]
        return found

    def closings_of(self, position_id: str) -> list[dict[str, Any]]:
        return [row for row in self.closings if row["position_id"] == position_id]

    def orders_of(self, position_id: str) -> Iterator[dict[str, Any]]:
        return (row for row in self.orders if row["refactored_position_id"] == position_id)


def read_books(database: SimDatabase) -> Books:
    found = database.document(_ALL)
    return Books(
        orders=found["orders"],
        trades=found["trades"],
        closings=found["closings"],
        positions={row["id"]: row for row in found["positions"]},
        leases=found["leases"],
    )


def open_alerts(database: SimDatabase) -> list[dict[str, Any]]:
    """Alerts that nobody has acknowledged."""
    return database.rows(
        "SELECT severity, cause, subject, message, raised_at FROM alerts"
        " WHERE acknowledged_at IS NULL ORDER BY raised_at, cause, subject"
    )
