"""Closing orders and their reservations.

Locks are always taken in the same order: an order's row, then its position's, then the lease.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Engine

from exit_pipeline.adapters.clients.postgres_engine import run, session_lock, transaction
from exit_pipeline.adapters.database.postgres.control import trading_state
from exit_pipeline.adapters.database.postgres.fills import book_report
from exit_pipeline.adapters.database.postgres.intents import begin_sending, is_fence, record
from exit_pipeline.adapters.database.postgres.lines import order_lines
from exit_pipeline.adapters.database.postgres.order_rows import (
    COLUMNS,
    exit_order,
    lock_order,
    set_status,
)
from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.exit_order import (
    Denial,
    ExitOrder,
    IntentAnswer,
    LastAttempt,
    OrderFacts,
    OrderIntent,
)
from exit_pipeline.core.model.lines import OrderLine
from exit_pipeline.core.model.order import OrderReport, OrderStatus

_NOT_SHOWN: Final = "the broker does not show it"
_LIVE: Final = [status.value for status in OrderStatus if status.is_live]
_FROM_FILLS: Final = frozenset({OrderStatus.PARTIAL_FILL, OrderStatus.FILLED})


class PostgresOrders:
    """The ``OrderStore`` in ``orders`` and ``trades``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def live_orders(self, environment: str, accounts: Sequence[str]) -> list[ExitOrder]:
        """Exit orders that may still fill, the oldest intent first."""
        return self._select(
            "environment = :environment AND account = ANY(:accounts) AND status = ANY(:live)",
            environment=environment,
            accounts=list(accounts),
            live=_LIVE,
        )

    def of_runs(self, run_ids: Sequence[str]) -> list[ExitOrder]:
        """Exit orders that runs made, the oldest intent first."""
        return self._select("run_id = ANY(CAST(:run_ids AS uuid[]))", run_ids=list(run_ids))

    def ended_orders(
        self, environment: str, account: str, symbols: Sequence[str] | None, since: datetime
    ) -> list[ExitOrder]:
        """Exit orders on these contracts, or on any, that were sent since then and have ended."""
        return self._select(
            "environment = :environment AND account = :account"
            " AND (CAST(:symbols AS text[]) IS NULL OR symbol = ANY(:symbols))"
            " AND intent_at >= :since"
            " AND status IN ('FILLED', 'CANCELLED', 'EXPIRED', 'REJECTED', 'ABANDONED')",
            environment=environment,
            account=account,
            symbols=None if symbols is None else list(symbols),
            since=since,
        )

    def under_ids(self, client_order_ids: Sequence[str]) -> list[ExitOrder]:
        """Exit orders with these ids of ours."""
        return self._select("client_order_id = ANY(:ids)", ids=list(client_order_ids))

    def last_attempts(self, position_ids: Sequence[str]) -> dict[str, LastAttempt]:
        """The newest exit order of each position that has had one.

        Its number is never below the count of the position's exit orders, since the next one's
        order id comes from it and users' own rows have none.
        """
        with transaction(self._engine) as connection:
            rows = run(
                connection,
                """
                SELECT DISTINCT ON (o.refactored_position_id)
                       refactored_position_id AS position_id, CAST(id AS text) AS order_id, step,
                       coalesce(exit_reason, '') AS exit_reason,
                       coalesce(decision_id, '') AS decision_id, rung, limit_price,
                       status, coalesce(intent_at, created_at) AS intent_at,
                       greatest(coalesce(attempt, 0),
                                count(*) OVER (PARTITION BY refactored_position_id)) AS attempt
                FROM orders o
                WHERE refactored_position_id = ANY(:ids) AND exit_action IS NOT NULL
                -- By the row's own number: without its table the name is that of the answer.
                ORDER BY o.refactored_position_id, o.attempt DESC NULLS LAST, o.created_at DESC
                """,
                ids=list(position_ids),
            )
            values = [row._asdict() | {"status": OrderStatus(row.status)} for row in rows]
        return {value.pop("position_id"): LastAttempt(**value) for value in values}

    def listing(
        self,
        environment: str | None = None,
        position_id: str | None = None,
        *,
        only_live: bool = False,
    ) -> list[OrderLine]:
        """Exit orders as a person looks at them, the newest first; also users' own of before."""
        with transaction(self._engine) as connection:
            return order_lines(connection, environment, position_id, _LIVE, only_live=only_live)

    def record_intent(
        self, intent: OrderIntent, check: Callable[[OrderFacts], Denial | None]
    ) -> IntentAnswer:
        """Commit an intent and its reservation before anything is sent.

        Nothing is recorded where the account's lease is no longer that of the fence, and where the
        decision was executed or the attempt made before.

        Args:
            intent: The order.
            check: The last gate, asked while the position is locked. What it denies leaves a
                DENIED row, and halts trading where it says so; what it defers leaves none.
        """
        with transaction(self._engine) as connection:
            return record(connection, intent, check)

    @contextmanager
    def sending(self, order: ExitOrder, fence: int, at: datetime) -> Iterator[bool]:
        """Hold an order while it is sent: from here on it may exist at the broker.

        The context is True where it may be sent, and the order SUBMITTED then. As long as it is
        entered, and the process lives, a session lock says so to everybody else.
        """
        with session_lock(self._engine, order.id) as is_mine:
            if not is_mine:
                yield False
                return
            with transaction(self._engine) as connection:
                may_send = begin_sending(connection, order.id, fence, at)
            yield may_send

    def is_being_sent(self, order: ExitOrder) -> bool:
        """Whether some process holds the order to send it, were it frozen in the act."""
        with session_lock(self._engine, order.id) as is_mine:
            return not is_mine

    def begin_cancel(self, order_id: str) -> bool:
        """Move an order to PENDING_CANCEL; False when it has ended, or nothing may be written."""
        with transaction(self._engine) as connection:
            order = lock_order(connection, order_id)
            if not order.status.is_live or order.status is OrderStatus.PENDING:
                return False
            if trading_state(connection, order.environment) is TradingState.FREEZE:
                return False
            set_status(connection, order, OrderStatus.PENDING_CANCEL)
            return True

    def record_missed(
        self, order_id: str, fence: int, at: datetime, *, nobody_sends: bool
    ) -> ExitOrder:
        """Remember that the broker did not show an order, which is UNKNOWN then.

        Nothing is written by who no longer holds the account, nor of an order that was shown before
        or has not been sent.
        """
        with transaction(self._engine) as connection:
            order = lock_order(connection, order_id)
            if order.status not in _LIVE or order.status is OrderStatus.PENDING:
                return order
            if not is_fence(connection, order.environment, order.request.account, fence):
                return order
            set_status(connection, order, OrderStatus.UNKNOWN, order.trouble or _NOT_SHOWN)
            run(
                connection,
                """
                UPDATE orders
                SET last_missed_at = :at,
                    first_missed_at =
                        CASE WHEN :nobody_sends THEN coalesce(first_missed_at, :at) END
                WHERE id = CAST(:id AS uuid)
                """,
                id=order_id,
                at=at,
                nobody_sends=nobody_sends,
            )
            return lock_order(connection, order_id)

    def give_up(self, order: ExitOrder, fence: int, status: OrderStatus, reason: str) -> bool:
        """End an order that can't fill any more, as ABANDONED or EXPIRED.

        False, and nothing is written, where it is no longer as it was judged, or the account is no
        longer the judge's.
        """
        with transaction(self._engine) as connection:
            now = lock_order(connection, order.id)
            same = (now.status, now.last_missed_at) == (order.status, order.last_missed_at)
            account = order.request.account
            if not same or not is_fence(connection, order.environment, account, fence):
                return False
            set_status(connection, now, status, reason)
            return True

    def mark_status(self, order_id: str, status: OrderStatus, reason: str = "") -> None:
        """Move an order to a state that no fill brings about, such as UNKNOWN or ABANDONED.

        An order that has ended stays as it is. One that ends here gives back its reservation.

        Raises:
            ValueError: The state comes from fills alone.
        """
        if status in _FROM_FILLS:
            message = f"an order becomes {status.value} by its fills alone"
            raise ValueError(message)
        with transaction(self._engine) as connection:
            order = lock_order(connection, order_id)
            if order.status.is_live:
                set_status(connection, order, status, reason)

    def book(self, order: ExitOrder, report: OrderReport) -> int:
        """Book a broker's report: new fills into ``trades``, the order's state, and the position.

        Each execution counts once, whatever is reported how often. A ``total_cost`` is the money
        that the fill took: price x quantity x 100 of a purchase, less that of a sale, plus
        commission and fees. Example: 2 sold at 3.00 with 1.34 of costs have -598.66.

        An order that has ended never lives again; fills that come late are booked all the same, as
        are those of more contracts than the position holds, which close only what is there and
        leave a note in ``error_message``. FILLED without all of its fills is still at work.

        Returns:
            The contracts newly booked.
        """
        with transaction(self._engine) as connection:
            return book_report(connection, lock_order(connection, order.id), report)

    def _select(self, condition: str, **values: Any) -> list[ExitOrder]:
        with transaction(self._engine) as connection:
            rows = run(
                connection,
                f"""
                SELECT {COLUMNS} FROM orders WHERE exit_action IS NOT NULL AND {condition}
                ORDER BY intent_at, client_order_id COLLATE "C"
                """,  # noqa: S608 the parts are this module's own text
                **values,
            )
            return [exit_order(row) for row in rows]
