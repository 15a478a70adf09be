"""Tradier: closes option positions at a sandbox or a live account.

The vendor has no idempotency: a second POST with the same tag is a second order. So an order is
sent once, its tag is our ``client_order_id``, and whether it exists is told by the list of the
session's orders alone. "ok" to an order means that it was received; it is ACCEPTED when a read
shows it. "ok" to a cancel means that it was asked for; it is CANCELLED when a read shows it.

How executions get their ids and prices is described in ``clients/tradier_orders``.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from exit_pipeline.adapters.clients.http import RequestFailed
from exit_pipeline.adapters.clients.tradier import TradierClient, connect
from exit_pipeline.adapters.clients.tradier_json import is_over_quota
from exit_pipeline.adapters.clients.tradier_listing import Listing
from exit_pipeline.adapters.clients.tradier_orders import (
    SIDES,
    closing_fills,
    legs,
    may_fill,
    report_of,
    report_tagged,
    tagged,
)
from exit_pipeline.adapters.clients.tradier_positions import held_options
from exit_pipeline.adapters.clients.tradier_requests import (
    order_form,
    read_back,
    received,
    rejected,
    why_unfit,
)
from exit_pipeline.core.model.abilities import BrokerAbilities
from exit_pipeline.core.model.account import refuse_other_account
from exit_pipeline.core.model.broker_time import BrokerTime
from exit_pipeline.core.model.closing import ClosingFill
from exit_pipeline.core.model.errors import ConfigurationError, InputError, UnavailableError
from exit_pipeline.core.model.order import (
    DUPLICATE,
    NOT_ACCEPTED,
    NOT_SENT,
    HeldPosition,
    OrderReport,
    OrderRequest,
    OrderStatus,
    Settlement,
)
from exit_pipeline.ports import Clock, Surroundings

ABILITIES: Final = BrokerAbilities(stop_orders=True, good_till_cancelled=True)
"""Stop and stop-limit orders, and the duration gtc (docs.tradier.com, "Place Orders")."""


def build(around: Surroundings) -> "TradierBroker":
    """The account in ``TRADIER_ACCOUNT_ID``, with the key in ``TRADIER_API_KEY``.

    Raises:
        ConfigurationError: One of them is missing, or the environment is neither paper nor live.
    """
    account = (around.environ.get("TRADIER_ACCOUNT_ID") or "").strip()
    client = connect(around)
    if not account:
        message = "TRADIER_ACCOUNT_ID is not set; expected the number of the account to work"
        raise ConfigurationError(message)
    return TradierBroker(client, account, around.environment, around.clock)


class TradierBroker:
    """A ``Broker`` over Tradier's brokerage API, for one account.

    Every method raises ``ConfigurationError`` where the key is refused.

    Args:
        client: Requests to the vendor.
        account: The only account that is worked; another one is neither read nor traded.
        environment: ``paper`` (the sandbox) or ``live``.
        clock: Stands for times that the vendor leaves out.

    Attributes:
        name: ``tradier``.
        environment: As given.
        ids_are_unique: False: a second order with the same tag is a second order.
    """

    name = "tradier"
    ids_are_unique = False

    def __init__(self, client: TradierClient, account: str, environment: str, clock: Clock) -> None:
        self.environment = environment
        self._client: Final = client
        self._account: Final = account
        self._clock: Final = clock
        self._listing: Final = Listing(client, account, clock)
        self._sent: Final[set[str]] = set()
        self._is_known = False

    def accounts(self) -> list[str]:
        """The configured account, once the broker itself has said that the key belongs to it.

        Raises:
            UnavailableError: No answer.
            ConfigurationError: The key is refused, or belongs to other accounts.
        """
        if not self._is_known:
            numbers = self._client.account_numbers()
            refuse_other_account("TRADIER_ACCOUNT_ID", self._account, numbers)
            self._is_known = True
        return [self._account]

    def submit(self, request: OrderRequest, send_by: datetime | None = None) -> OrderReport:
        """Send a closing limit order for the day, once, and read it back.

        It is SUBMITTED where it was received but can't be read yet. It is REJECTED, with nothing
        sent, when its tag is in use (the reason begins with "duplicate"), its parts are none that
        the broker takes, the session's orders can't be listed, or the rate limit leaves no room, by
        our own count or by the broker's word with a listing that shows no such order.

        Raises:
            UnavailableError: No answer: the order may or may not exist.
        """
        now = self._clock.now()
        tag = request.client_order_id
        if reason := why_unfit(request, self._account) or self._why_not_new(tag):
            return rejected(request, reason, now)
        if tag in self._sent:
            message = f"order {tag} was sent before, and the broker does not list it yet"
            raise UnavailableError(message)
        self._sent.add(tag)
        try:
            placed = self._client.place(request.account, order_form(request), send_by)
        except RequestFailed as failure:
            if failure.was_sent:
                self._listing.outdate()
            report = _report_failed(self, request, failure, now)
            if report.was_never_sent:
                self._sent.discard(tag)
            return report
        self._listing.outdate()
        if placed.refusal:
            self._sent.discard(tag)
            return rejected(request, placed.refusal, now)
        sent = received(request, placed.order_id, now)
        return read_back(self._client, sent, self._account, self.environment, now)

    def preview(self, request: OrderRequest) -> str | None:
        """Have the broker check an order without placing it; returns why it would be refused.

        Raises:
            UnavailableError: No answer.
        """
        if reason := why_unfit(request, self._account):
            return reason
        form = order_form(request) | {"preview": "true"}
        return self._client.place(request.account, form).refusal or None

    def find_order(
        self, account: str, client_order_id: str, broker_order_id: str | None = None
    ) -> OrderReport | None:
        """Our order in the list of the current session, or by its own id, with all its executions.

        None does not mean that it was never placed: it may not be listed yet, or be of an earlier
        session and its id not known.

        Raises:
            UnavailableError: No answer, or the list is not complete.
        """
        now = self._clock.now()
        found = report_tagged(self._listing.orders(account), client_order_id, self.environment, now)
        if found is not None or broker_order_id is None or account != self._account:
            return found
        order = self._client.order(account, broker_order_id)
        if order is None or order.get("tag") not in {client_order_id, None}:
            return None
        return report_of(order, client_order_id, self.environment, now)

    def cancel(self, account: str, client_order_id: str) -> OrderReport:
        """Ask for an order to be cancelled, and read it back; a finished one is reported as it is.

        Raises:
            UnavailableError: No answer.
            InputError: The broker lists no such order.
        """
        orders = self._listing.orders(account, urgent=True, anew=True)
        now = self._clock.now()
        known = report_tagged(orders, client_order_id, self.environment, now)
        if known is None:
            message = (
                f"client_order_id {client_order_id!r} is no order that Tradier lists today,"
                " expected one that was submitted"
            )
            raise InputError(message)
        live = [str(one.get("id")) for one in tagged(orders, client_order_id) if may_fill(one)]
        if not live:
            return known
        self._listing.outdate()
        refusals = [self._client.cancel(account, order_id) for order_id in live]
        found = report_tagged(
            self._listing.orders(account, urgent=True, anew=True),
            client_order_id,
            self.environment,
            now,
        )
        report = found or known
        if report.status.is_live and not any(refusals):
            return replace(report, status=OrderStatus.PENDING_CANCEL)
        return report

    def working_orders(self, account: str) -> list[OrderReport]:
        """All orders of the session that may still fill and close options, in one listing.

        Those that somebody else placed have an empty ``client_order_id``; legs count singly.

        Raises:
            UnavailableError: No answer, or the list is not complete or can't be read.
        """
        now = self._clock.now()
        reports = [
            report_of(order, str(order.get("tag") or ""), self.environment, now)
            for order in legs(self._listing.orders(account))
            if str(order.get("side")) in SIDES
        ]
        return [report for report in reports if report.status.is_live]

    def positions(self, account: str) -> list[HeldPosition]:
        """The options that the account holds, by symbol.

        Raises:
            UnavailableError: No answer, or one that can't be read.
        """
        if account != self._account:
            return []
        return held_options(account, self._client.positions(account))

    def closings(
        self, account: str, symbols: Collection[str], since: datetime
    ) -> list[ClosingFill]:
        """Executions of the session's closing orders, whoever placed them, in one listing.

        What was executed in an earlier session is not listed any more, and so not known.

        Raises:
            UnavailableError: No answer, or the list is not complete or can't be read.
        """
        orders = legs(self._listing.orders(account))
        return closing_fills(orders, symbols, self.environment, since, self._clock.now())

    def settlements(self, account: str) -> Sequence[Settlement]:  # noqa: ARG002 - see below
        """Always empty: how a holding ended stands in the history of the account alone.

        What that history says is not specified, so nothing is made of it: an expired position stays
        open, with an alert, and what was assigned early counts as closed elsewhere.
        """
        return ()

    def broker_time(self) -> BrokerTime:
        """Tradier's time, to the second, and whether its regular session is on."""
        return self._client.broker_time()

    def skew(self) -> timedelta | None:
        """Tradier's clock less ours, as the newest answer showed; None before the first."""
        return self._client.skew.newest

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def _why_not_new(self, tag: str) -> str:
        is_sent = tag in self._sent
        try:
            is_listed = self._listing.has(tag, anew=is_sent)
        except UnavailableError as error:
            if is_sent:
                raise
            return f"{NOT_SENT}{error}"
        return f"{DUPLICATE}: an order has the tag {tag}" if is_listed else ""


def _report_failed(
    broker: TradierBroker, request: OrderRequest, failure: RequestFailed, now: datetime
) -> OrderReport:
    """What is known of an order that was posted without a usable answer.

    Where the gateway itself said that its rate limit was reached, it passed nothing on, and the
    session's orders are listed to be sure: none with the tag means that there is none. Where they
    can't be listed, the order is UNKNOWN until a later look shows it or shows none.

    Raises:
        RequestFailed: The order may exist.
    """
    never_sent = rejected(request, f"{NOT_SENT}{failure}", now)
    if not failure.was_sent:
        return never_sent
    if not is_over_quota(failure.status, failure.body):
        raise failure
    try:
        found = broker.find_order(request.account, request.client_order_id)
    except UnavailableError:
        return replace(never_sent, status=OrderStatus.UNKNOWN, reason=f"{NOT_ACCEPTED}{failure}")
    return found or never_sent
