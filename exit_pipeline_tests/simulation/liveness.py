"""What must come to be once the faults are over: L1, L2, and books that equal the ledger."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from exit_pipeline.core.model.contract import parse_contract
from exit_pipeline_tests.simulation.books import LIVE, Books, open_alerts
from exit_pipeline_tests.simulation.closings import check_all_is_told
from exit_pipeline_tests.simulation.faults import TRADIER

_DUE: Final = """
    SELECT d.position_id, max(d.exit_reason) AS reason, count(*) AS ticks,
           bool_or(r.tick_at = (SELECT max(tick_at) FROM decision_runs
                                WHERE status = 'SUCCEEDED' AND NOT dry_run)) AS still
    FROM refactored_decisions d JOIN decision_runs r ON r.id = d.run_id
    JOIN refactored_positions p ON p.id = d.position_id
    WHERE d.decision = 'EXIT' AND NOT d.dry_run AND p.status = 'OPEN' AND d.decided_at >= %s
    GROUP BY d.position_id
"""
_WAITED: Final = """
    WITH decided AS (
        SELECT d.position_id, d.decision, d.exit_reason, r.tick_at,
               row_number() OVER (PARTITION BY d.position_id ORDER BY r.tick_at)
               - row_number() OVER (PARTITION BY d.position_id, d.decision ORDER BY r.tick_at)
               AS streak
        FROM refactored_decisions d JOIN decision_runs r ON r.id = d.run_id
        WHERE NOT d.dry_run AND r.status = 'SUCCEEDED' AND r.request_id = ''
    ),
    waited AS (
        SELECT position_id, max(exit_reason) AS reason, min(tick_at) AS since,
               max(tick_at) AS until
        FROM decided WHERE decision = 'EXIT' GROUP BY position_id, streak
        HAVING max(tick_at) - min(tick_at) >= %s
    )
    SELECT w.position_id, w.reason, w.since, w.until FROM waited w
    WHERE NOT EXISTS (
        SELECT FROM orders o JOIN trades t ON t.order_id = o.id
        WHERE o.refactored_position_id = w.position_id
          AND t.executed_at BETWEEN w.since AND w.until + interval '5 minutes')
"""
_ALERTED: Final = """
    SELECT subject, raised_at >= since AS is_new
    FROM alerts, (SELECT %s AS since, %s AS until) AS span
    WHERE raised_at <= until AND (acknowledged_at IS NULL OR acknowledged_at > since)
"""
_LONG: Final = timedelta(minutes=30)
"""An exit that is due for so long without a fill is a person's matter: six ticks."""

_EXPIRED: Final = """
    SELECT id, option_symbol FROM refactored_positions
    WHERE status = 'OPEN' AND expiration <= %s AND option_symbol IS NOT NULL
"""


def check_liveness(world: Any, books: Books, since: datetime) -> None:
    """Judge the end of a seed.

    Args:
        world: What is judged.
        books: As they stand.
        since: When the faults were over.
    """
    alerts = open_alerts(world.database)
    _exits_are_filled_or_escalated(world, books, alerts, since)
    _waiting_was_told(world, books)
    _expired_is_settled_or_told(world, books, alerts)
    _unknown_is_told(world, books, alerts)
    _doubled_is_told(world, books)
    _strangers_are_told(world, books)
    _fills_are_booked(world, books)
    _holdings_agree(world, books)
    check_all_is_told(world, books)


def _exits_are_filled_or_escalated(
    world: Any, books: Books, alerts: list[dict[str, Any]], since: datetime
) -> None:
    for row in world.database.rows(_DUE, since):
        name = row["position_id"]
        is_lasting = row["still"] and row["ticks"] >= 4
        if is_lasting and not _is_told(alerts, _subjects(books, name)):
            world.history.violate(
                "L1",
                f"{row['reason']} of {name} is due for {row['ticks']} ticks, neither filled nor"
                " escalated",
            )


def _waiting_was_told(world: Any, books: Books) -> None:
    """L1 at any time of the day: what is due for long is told, whether or not it fills later.

    An alert on the position may stand since before, as that on its stop; one on its account or
    contract must be of that time, since it says nothing of an exit that is due.
    """
    for row in world.database.rows(_WAITED, _LONG):
        name, until = row["position_id"], row["until"] + timedelta(minutes=5)
        alerts = world.database.rows(_ALERTED, row["since"], until)
        fresh = [alert for alert in alerts if alert["is_new"]]
        if not _is_told(fresh, _subjects(books, name)) and not _is_told(alerts, {name}):
            world.history.violate(
                "L1",
                f"{row['reason']} of {name} was due from {row['since']:%H:%M} to"
                f" {row['until']:%H:%M} UTC without a fill, and nobody was told",
            )


def _expired_is_settled_or_told(world: Any, books: Books, alerts: list[dict[str, Any]]) -> None:
    """L1: on the next day, what expired is closed, or somebody knows that it is not."""
    if not world.plan.ends_overnight:
        return
    for row in world.database.rows(_EXPIRED, world.plan.sessions[0].day):
        if not _is_told(alerts, _subjects(books, row["id"])):
            world.history.violate(
                "L1", f"{row['id']} is open, its {row['option_symbol']} expired, and nobody knows"
            )


def _unknown_is_told(world: Any, books: Books, alerts: list[dict[str, Any]]) -> None:
    for row in books.orders:
        if row["status"] == "PENDING":
            message = f"{row['client_order_id']} is PENDING, and nobody is left to send it"
            world.history.violate("L2", message)
        if row["status"] not in {"UNKNOWN", "SUBMITTED", "PENDING_CANCEL"}:
            continue
        name, position = row["client_order_id"], row["refactored_position_id"]
        if not _is_told(alerts, _subjects(books, position)):
            world.history.violate("L2", f"{name} is {row['status']} and no alert tells of it")


def _doubled_is_told(world: Any, books: Books) -> None:
    """L1: a person was told at some time, and may have acknowledged it since."""
    alerts = world.database.rows("SELECT subject FROM alerts")
    filled: Counter[str] = Counter()
    for one in world.venue.orders():
        filled[one.client_order_id] += one.filled
    for name in sorted(world.doubled):
        row = books.by_client_id.get(name)
        # What was refused both times has done nothing that anybody need know.
        if (
            row
            and filled[name] > books.booked.get(row["id"], 0)
            and not _is_told(alerts, _subjects(books, row["refactored_position_id"]))
        ):
            world.history.violate("L1", f"{name} was doubled on its way and no alert tells of it")


def _strangers_are_told(world: Any, books: Books) -> None:
    """L1: what somebody else's order holds of an open position's contract, no exit can have."""
    told = [
        row["message"]
        for row in world.database.rows("SELECT message FROM alerts WHERE cause = 'EXTERNAL_ORDER'")
    ]
    watched = {
        position["option_symbol"]
        for position in books.positions.values()
        if position["status"] == "OPEN"
    }
    for order in world.venue.orders():
        if not (order.is_by_hand and order.is_open and order.symbol in watched):
            continue
        if not any(order.symbol in message for message in told):
            world.history.violate(
                "L1", f"somebody else's order closes {order.left} {order.symbol}, and nobody knows"
            )


def _fills_are_booked(world: Any, books: Books) -> None:
    """I7 at quiescence: whatever the broker filled is booked, at its price.

    An order whose answer was lost, and that nobody could look at before its session was over, is in
    no listing of Tradier's any more: of such a one a person must have been told that it is lost.
    """
    filled: Counter[str] = Counter()
    for one in world.venue.orders():
        filled[one.client_order_id] += one.filled
    lost = {
        row["subject"]
        for row in world.database.rows("SELECT subject FROM alerts WHERE cause = 'ORDER_LOST'")
    }
    for row in books.orders:
        name, booked = row["client_order_id"], books.booked.get(row["id"], 0)
        is_settled = row["status"] not in LIVE and name not in world.doubled
        is_told_lost = (
            world.plan.broker in TRADIER
            and row["status"] == "EXPIRED"
            and not row["broker_order_id"]
            and row["refactored_position_id"] in lost
        )
        if is_settled and not is_told_lost and booked != filled[name]:
            world.history.violate(
                "I7", f"in the end {filled[name]} of {name} are filled and {booked} booked"
            )


def _holdings_agree(world: Any, books: Books) -> None:
    """What the books hold of a contract is what the account holds.

    The books may have more until another session has gone by, as long as a person is told: the
    broker's evidence may be held back, where an order of ours may have been what sold.
    """
    short = {
        alert["subject"].split()[-1]
        for alert in open_alerts(world.database)
        if alert["cause"] == "HELD_DIFFERS"
    }
    held = world.venue.holdings()
    ours: Counter[str] = Counter()
    unsettled = {row["symbol"] for row in books.orders if row["client_order_id"] in world.doubled}
    for position in books.positions.values():
        left = position["quantity"] - position["exited_quantity"]
        ours[position["option_symbol"]] += left if position["side"] == "LONG" else -left
        if any(row["status"] in LIVE for row in books.orders_of(position["id"])):
            unsettled.add(position["option_symbol"])
    for symbol in sorted(world.first_holdings):
        has_ended = parse_contract(symbol).expiration <= world.timeline.at.date()
        if symbol in unsettled or has_ended:
            continue
        is_told = symbol in short and abs(held.get(symbol, 0)) < abs(ours[symbol])
        if ours[symbol] != held.get(symbol, 0) and not is_told:
            world.history.violate(
                "L1",
                f"in the end the account holds {held.get(symbol, 0)} {symbol} and the books"
                f" {ours[symbol]}",
            )


def _subjects(books: Books, position_id: str) -> set[str]:
    """Whatever an alert about a position may be filed under."""
    names = {row["client_order_id"] for row in books.orders_of(position_id)}
    position: Mapping[str, Any] = books.positions[position_id]
    return names | {position_id, position["option_symbol"], position["account"]}


def _is_told(alerts: Iterable[Mapping[str, Any]], subjects: set[str]) -> bool:
    """Whether an alert names one of them, alone or among other words."""
    return any(not subjects.isdisjoint(alert["subject"].split()) for alert in alerts)
