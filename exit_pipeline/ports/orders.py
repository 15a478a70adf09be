"""Decisions, closing orders and their fills."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from exit_pipeline.core.model.exit_order import (
    Denial,
    ExitOrder,
    IntentAnswer,
    LastAttempt,
    OrderFacts,
    OrderIntent,
)
from exit_pipeline.core.model.kept_decision import KeptDecision
from exit_pipeline.core.model.lines import DecisionLine, DecisionPlace, OrderLine
from exit_pipeline.core.model.order import OrderReport, OrderStatus
from exit_pipeline.core.model.record import DecisionRows, StoredDecision


class DecisionStore(Protocol):
    """Decisions with all of their inputs."""

    def keep_policies(self, policies: Mapping[str, str]) -> None:
        """Keep policies, canonical JSON by hash, once each."""
        ...

    def record(self, rows: DecisionRows) -> int:
        """Record decisions; one that its run already has for the position is left as it is.

        Returns how many were new.
        """
        ...

    def of_runs(self, run_ids: Sequence[str]) -> list[StoredDecision]:
        """The decisions of runs, by position id."""
        ...

    def due_in_a_row(self, position_id: str, exit_reason: str, since: datetime) -> int:
        """How many decisions on a position, up to the newest, asked for the same exit.

        Args:
            position_id: The position.
            exit_reason: The rule's name in capitals.
            since: Decisions of before don't count; nor do those of dry runs.
        """
        ...

    def refused_in_a_row(self, position_ids: Sequence[str], since: datetime) -> dict[str, int]:
        """How many decisions on each position, up to the newest, had a quote that was refused.

        Args:
            position_ids: The positions; one without any decision is absent.
            since: Decisions of before don't count; nor do those of dry runs.
        """
        ...

    def listing(
        self,
        limit: int,
        position_id: str | None = None,
        since: datetime | None = None,
        before: DecisionPlace | None = None,
    ) -> list[DecisionLine]:
        """Decisions of runs as a person looks at them, the newest first.

        Args:
            limit: At most so many.
            position_id: Only on this position; None means all.
            since: None earlier than this.
            before: Only those behind this place in the list.
        """
        ...

    def newest(self, position_id: str, at: datetime | None) -> KeptDecision | None:
        """The newest decision on a position, with all of its inputs.

        Also a users' own on the position's signal, which has none.

        Args:
            position_id: The position.
            at: None later than this; None for the newest of all.
        """
        ...


class OrderStore(Protocol):
    """Closing orders and their fills."""

    def live_orders(self, environment: str, accounts: Sequence[str]) -> list[ExitOrder]:
        """Exit orders that may still fill."""
        ...

    def of_runs(self, run_ids: Sequence[str]) -> list[ExitOrder]:
        """Exit orders that runs made."""
        ...

    def ended_orders(
        self, environment: str, account: str, symbols: Sequence[str] | None, since: datetime
    ) -> list[ExitOrder]:
        """Exit orders on these contracts, or on any, that were sent since then and have ended."""
        ...

    def under_ids(self, client_order_ids: Sequence[str]) -> list[ExitOrder]:
        """Exit orders with these ids of ours."""
        ...

    def last_attempts(self, position_ids: Sequence[str]) -> dict[str, LastAttempt]:
        """The newest exit order of each position that has had one."""
        ...

    def listing(
        self,
        environment: str | None = None,
        position_id: str | None = None,
        *,
        only_live: bool = False,
    ) -> list[OrderLine]:
        """Exit orders as a person looks at them, the newest first; also users' own of before.

        Args:
            environment: Only of this environment; None means all.
            position_id: Only of this position; None means all.
            only_live: Only those that may still fill.
        """
        ...

    def record_intent(
        self, intent: OrderIntent, check: Callable[[OrderFacts], Denial | None]
    ) -> IntentAnswer:
        """Commit an intent and its reservation before anything is sent.

        Args:
            intent: The order.
            check: The last gate, asked while the position is locked. What it denies leaves a
                DENIED row, and halts trading where it says so; what it defers leaves none.
        """
        ...

    def sending(self, order: ExitOrder, fence: int, at: datetime) -> AbstractContextManager[bool]:
        """Hold an order while it is sent: from here on it may exist at the broker.

        The context is True where it may be sent, and the order SUBMITTED then: it was PENDING or
        UNKNOWN before, the account's lease is that of the fence, trading is active, and nobody else
        is sending it. As long as the context is entered, and the process lives, others see it by
        ``is_being_sent``.

        Args:
            order: PENDING, or UNKNOWN to send it again under its own id.
            fence: Number of the sender's lease.
            at: Now, by the pipeline's clock.
        """
        ...

    def is_being_sent(self, order: ExitOrder) -> bool:
        """Whether some process holds the order to send it, were it frozen in the act."""
        ...

    def begin_cancel(self, order_id: str) -> bool:
        """Move an order to PENDING_CANCEL; False when it has ended, or nothing may be written."""
        ...

    def record_missed(
        self, order_id: str, fence: int, at: datetime, *, nobody_sends: bool
    ) -> ExitOrder:
        """Remember that the broker did not show an order, which is UNKNOWN then; returns it.

        Args:
            order_id: The order.
            fence: Number of the looker's lease; who no longer holds the account writes nothing.
            at: When it was looked for.
            nobody_sends: Before the look nobody held it to send it. Only from such a look on it
                counts that it was not shown.
        """
        ...

    def give_up(self, order: ExitOrder, fence: int, status: OrderStatus, reason: str) -> bool:
        """End an order that can't fill any more, as ABANDONED or EXPIRED.

        False, and nothing is written, where it is no longer as it was judged, or the account is no
        longer the judge's.
        """
        ...

    def mark_status(self, order_id: str, status: OrderStatus, reason: str = "") -> None:
        """Move an order to a state that no fill brings about, such as UNKNOWN or ABANDONED."""
        ...

    def book(self, order: ExitOrder, report: OrderReport) -> int:
        """Book a broker's report: new fills into ``trades``, the order's state, and the position.

        One transaction; each execution counts once, whatever is reported how often. Returns the
        contracts newly booked.
        """
        ...
