"""Where positions are held and closed, and what only some brokers can tell.

The module of a broker offers ``build``, and may offer ``ABILITIES``, a ``BrokerAbilities``: what
can be said of the vendor without an account.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from exit_pipeline.core.model.broker_time import BrokerTime
from exit_pipeline.core.model.closing import ClosingFill
from exit_pipeline.core.model.order import HeldPosition, OrderReport, OrderRequest, Settlement
from exit_pipeline.core.model.record import NewPosition


@runtime_checkable
class Broker(Protocol):
    """Where positions are held and closing orders are sent.

    Attributes:
        name: Such as ``paper``.
        environment: ``paper``, ``live``, ``tape`` or ``simulated``.
        ids_are_unique: It takes a ``client_order_id`` once for ever, so that a second POST of one
            can't make a second order.
    """

    name: str
    environment: str
    ids_are_unique: bool

    def accounts(self) -> Sequence[str]:
        """The accounts that the broker itself says we may work, by its own ids.

        Raises:
            UnavailableError: No answer.
            ConfigurationError: The credentials are missing or refused.
        """
        ...

    def submit(self, request: OrderRequest, send_by: datetime | None = None) -> OrderReport:
        """Send a closing order once, unless it is later than `send_by`.

        A refusal is a report with status REJECTED and the broker's reason. An order that already
        exists under the same ``client_order_id`` is refused as a duplicate, never placed again.
        The reason begins with ``NOT_SENT`` where the order is at no broker for certain. Where the
        broker said that it did not take it, as for its rate limit, and can't be asked whether it
        shows it, the report is UNKNOWN with a reason that begins with ``NOT_ACCEPTED``.

        Raises:
            UnavailableError: No answer: the order may or may not exist.
        """
        ...

    def find_order(
        self, account: str, client_order_id: str, broker_order_id: str | None = None
    ) -> OrderReport | None:
        """The order with our id, with all its fills; None when the broker shows none.

        Args:
            account: The broker's account.
            client_order_id: Ours.
            broker_order_id: The broker's own, where it was told: some lists are of the day only.

        Raises:
            UnavailableError: No answer.
        """
        ...

    def cancel(self, account: str, client_order_id: str) -> OrderReport:
        """Ask for an order to be cancelled, and report it as it is now.

        Raises:
            UnavailableError: No answer.
            InputError: The broker knows no such order.
        """
        ...

    def working_orders(self, account: str) -> Sequence[OrderReport]:
        """All orders of the account that may still fill.

        Raises:
            UnavailableError: No answer; nothing is known, in particular not that there are none.
        """
        ...

    def positions(self, account: str) -> Sequence[HeldPosition]:
        """What the account holds.

        Raises:
            UnavailableError: No answer; nothing is known, in particular not that it is flat.
        """
        ...

    def settlements(self, account: str) -> Sequence[Settlement]:
        """How holdings of the account ended without a trade, as far as the broker tells it.

        That is at their expiry, or before it by an exercise or an assignment.

        Raises:
            UnavailableError: No answer.
        """
        ...


@runtime_checkable
class TellsEntries(Protocol):
    """A broker whose holdings carry no time of entry, which it finds out by other requests."""

    def entered_at(self, held: Sequence[HeldPosition]) -> Mapping[str, datetime]:
        """When holdings of one account were opened, by symbol; absent where that is not known.

        Args:
            held: As ``positions`` has just told them.

        Raises:
            UnavailableError: No answer.
        """
        ...


@runtime_checkable
class TellsClosings(Protocol):
    """A broker that tells at what price contracts were closed, also by orders of others."""

    def closings(
        self, account: str, symbols: Collection[str], since: datetime
    ) -> Sequence[ClosingFill]:
        """Executions that closed contracts, whoever ordered them: ours may be among them.

        Args:
            account: The broker's account.
            symbols: Compact OCC symbols.
            since: Those before are left out. The broker may tell less: what is not among them is
                not known, and may have been executed all the same.

        Raises:
            UnavailableError: No answer, or one that can't be read.
        """
        ...


@runtime_checkable
class TellsTime(Protocol):
    """A broker with a clock of its own."""

    def broker_time(self) -> BrokerTime:
        """Its time and its session, by one request.

        Raises:
            UnavailableError: No answer.
            ConfigurationError: The credentials are refused.
        """
        ...


@runtime_checkable
class TellsSkew(Protocol):
    """A broker whose answers tell by the way how far its clock is from ours."""

    def skew(self) -> timedelta | None:
        """The newest measured: its clock less ours, as far as that is sure (``sure_skew``).

        None before its first answer. Asks for nothing.
        """
        ...


@runtime_checkable
class TakesDeposits(Protocol):
    """A broker whose books we keep ourselves, so that imported positions can be put into it."""

    def deposit(self, positions: Sequence[NewPosition]) -> int:
        """Put positions into the books, each id once for ever; returns how many were new."""
        ...
