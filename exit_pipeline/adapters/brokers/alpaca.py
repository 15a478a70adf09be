"""Alpaca: single-leg closing orders of listed options, over its Trading API.

What this broker promises and what it can't:

- An order is posted once. Alpaca takes a ``client_order_id`` once for ever, so a second one is
  refused as a duplicate and the first can be read; a lost answer is an ``UnavailableError``.
- An order that can't be found may only not be visible yet.
- Nothing is ever replaced: a closing order is cancelled, read until it has ended, and sent anew.
- How fills are told, and why none can be booked twice, is in ``clients/alpaca_orders``.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Final

from exit_pipeline.adapters.clients.alpaca import AlpacaTrading
from exit_pipeline.adapters.clients.alpaca_holdings import (
    KINDS,
    closing_fills,
    entries,
    read_ended,
    to_held,
    to_settlement,
)
from exit_pipeline.adapters.clients.alpaca_orders import (
    is_closing_option,
    order_body,
    rejected,
)
from exit_pipeline.adapters.clients.alpaca_reports import (
    read_reports,
    report_failed,
    report_placed,
)
from exit_pipeline.adapters.clients.http import Refused, RequestFailed
from exit_pipeline.core.model.abilities import BrokerAbilities
from exit_pipeline.core.model.account import refuse_other_account
from exit_pipeline.core.model.broker_time import BrokerTime
from exit_pipeline.core.model.closing import ClosingFill
from exit_pipeline.core.model.errors import InputError, UnavailableError
from exit_pipeline.core.model.order import (
    DUPLICATE,
    NOT_SENT,
    HeldPosition,
    OrderReport,
    OrderRequest,
    OrderStatus,
    Settlement,
)
from exit_pipeline.ports import Clock, MarketData, Surroundings

ABILITIES: Final = BrokerAbilities(stop_orders=False, good_till_cancelled=False)
"""Market and limit orders for the day only (Alpaca's OpenAPI, OrderType and TimeInForce)."""

_DUPLICATE: Final = 40010001
"""The code of a 422 for a ``client_order_id`` that was used before; it has other uses too."""

_SETTLED_WITHIN: Final = timedelta(days=90)
_ENTERED_WITHIN: Final = timedelta(days=90)
_MOST_FILLS: Final = 1_000
"""Fills that are looked through for entries or closings, ten pages: a tick has other things to ask
for."""

log = logging.getLogger(__name__)


class AlpacaBroker:
    """A ``Broker`` over the account that the keys belong to.

    Every method raises ``UnavailableError`` where no usable answer came, and
    ``ConfigurationError`` where the keys are refused.

    Args:
        api: The trading host.
        environment: ``paper`` or ``live``.
        clock: The time of refusals, and how long fills have been missing.
        market_data: Values an exercise or assignment in shares, of which Alpaca tells no price.
        configured: The account that the keys must belong to; empty takes theirs.

    Attributes:
        name: ``alpaca``.
        environment: As given.
        ids_are_unique: True: an id that was used before is refused for ever.
    """

    name = "alpaca"
    ids_are_unique = True

    def __init__(
        self,
        api: AlpacaTrading,
        environment: str,
        clock: Clock,
        market_data: MarketData | None = None,
        configured: str = "",
    ) -> None:
        self.environment = environment
        self._api: Final = api
        self._clock: Final = clock
        self._market_data: Final = market_data
        self._configured: Final = configured
        self._account: str | None = None

    def accounts(self) -> list[str]:
        """The one account of the keys, by its account number; asked for once.

        Raises:
            ConfigurationError: It is not the one in ``ALPACA_ACCOUNT_ID``.
        """
        if self._account is None:
            account = self._api.account_number()
            if self._configured:
                refuse_other_account("ALPACA_ACCOUNT_ID", self._configured, [account])
            self._account = account
        return [self._account]

    def submit(self, request: OrderRequest, send_by: datetime | None = None) -> OrderReport:
        """Send a closing order once: a limit order, good for the day.

        A refusal is a report with status REJECTED. Its reason begins with "duplicate" where an
        order has the id already. One for the rate limit counts once a look-up by id shows no order
        (``report_failed``). Where the order was taken and its fills can't be read yet, it is
        reported as working.

        Raises:
            UnavailableError: No answer: the order may or may not exist.
            ConfigurationError: The keys are refused: there is no order.
        """
        now = self._clock.now()
        try:
            is_ours = request.account in self.accounts()
        except UnavailableError as failure:
            return rejected(request, f"{NOT_SENT}{failure}", now)
        if not is_ours:
            return rejected(request, "the keys of Alpaca belong to another account", now)
        try:
            order = self._api.place(order_body(request), send_by)
        except Refused as refusal:
            reason = _reason(refusal)
            if reason:
                return rejected(request, reason, now)
            error = UnavailableError(str(refusal))
        except RequestFailed as failure:
            return report_failed(self._api, request, failure, self._clock)
        else:
            return report_placed(self._api, order, self._clock)
        raise error

    def find_order(
        self,
        account: str,
        client_order_id: str,
        broker_order_id: str | None = None,  # noqa: ARG002 - ours finds it at any time
    ) -> OrderReport | None:
        """The order with our id and its fills; None when the broker shows none, or not yet."""
        if account not in self.accounts():
            return None
        order = self._api.order(client_order_id)
        return None if order is None else read_reports(self._api, [order], self._clock)[0]

    def cancel(self, account: str, client_order_id: str) -> OrderReport:
        """Ask for a cancel, and read the order back: only what is read counts.

        It is PENDING_CANCEL as long as the broker has taken the request and not confirmed it.

        Raises:
            InputError: There is no such order.
        """
        known = account in self.accounts()
        order = self._api.order(client_order_id, urgent=True) if known else None
        if order is None:
            message = (
                f"client_order_id {client_order_id!r} is no order of account {account!r} at Alpaca,"
                " expected one that was submitted"
            )
            raise InputError(message)
        taken = self._api.cancel(str(order.get("id")))
        order = self._api.order(client_order_id, urgent=True)
        if order is None:
            message = f"Alpaca shows order {client_order_id} no more after its cancel"
            raise UnavailableError(message)
        report = read_reports(self._api, [order], self._clock)[0]
        if taken and report.status in {OrderStatus.ACCEPTED, OrderStatus.PARTIAL_FILL}:
            return replace(report, status=OrderStatus.PENDING_CANCEL)
        return report

    def working_orders(self, account: str) -> list[OrderReport]:
        """All closing orders of options that may still fill, whoever sent them, oldest first.

        Legs of multi-leg orders are among them; orders that open something are not.
        """
        if account not in self.accounts():
            return []
        orders = [
            order
            for parent in self._api.open_orders()
            for order in (parent, *(parent.get("legs") or ()))
            if is_closing_option(order)
        ]
        reports = read_reports(self._api, orders, self._clock)
        return [report for report in reports if report.status.is_live]

    def positions(self, account: str) -> list[HeldPosition]:
        """The options that the account holds, by symbol; shares and coins are left out."""
        if account not in self.accounts():
            return []
        held = [to_held(account, row) for row in self._api.positions()]
        return sorted((one for one in held if one is not None), key=lambda one: one.symbol)

    def entered_at(self, held: Sequence[HeldPosition]) -> dict[str, datetime]:
        """When holdings were opened, by symbol: the oldest fill since each was last flat.

        Looked through are the newest 1,000 fills of the last 90 days, newest first and no further
        than needed. A holding that is older, or that came about without a fill, is absent.
        """
        since_when = self._clock.now() - _ENTERED_WITHIN
        fills = self._api.activities("FILL", since_when, newest_first=True)
        return entries(held, islice(fills, _MOST_FILLS))

    def closings(
        self, account: str, symbols: Collection[str], since: datetime
    ) -> list[ClosingFill]:
        """Sales and purchases of contracts, the newest first, by whoever's orders; one request.

        Looked through are the newest 1,000 fills of the account. They name the order by Alpaca's
        key, and not by our id.
        """
        if account not in self.accounts():
            return []
        fills = self._api.activities("FILL", since, newest_first=True)
        return closing_fills(islice(fills, _MOST_FILLS), symbols)

    def settlements(self, account: str) -> list[Settlement]:
        """Expirations, assignments and exercises of the last 90 days, oldest first.

        Alpaca tells the cash of one that is settled in cash. One that is settled in shares is
        valued at the underlying's newest price, with a warning, as no price of that moment is told;
        where there is none it is left out.
        """
        if account not in self.accounts():
            return []
        now = self._clock.now()
        ended = read_ended(self._api.activities(",".join(KINDS), now - _SETTLED_WITHIN))
        in_shares = {one.contract.underlying for one in ended if one.is_in_shares}
        prices = _prices(in_shares, self._market_data, now)
        made = [to_settlement(account, one, prices) for one in ended]
        return [settlement for settlement in made if settlement is not None]

    def broker_time(self) -> BrokerTime:
        """Alpaca's time, and whether the regular session of US shares is on."""
        return self._api.broker_time()

    def skew(self) -> timedelta | None:
        """Alpaca's clock less ours, as the newest answer showed; None before the first."""
        return self._api.skew.newest

    def close(self) -> None:
        """Give the connections back."""
        self._api.close()


def build(around: Surroundings) -> AlpacaBroker:
    """The account of ``ALPACA_API_KEY`` and ``ALPACA_SECRET_KEY`` in Alpaca's paper or live world.

    ``ALPACA_ACCOUNT_ID``, where it is set, must be theirs, or nothing is read or sent.
    ``ALPACA_BASE_URL`` may name a server on 127.0.0.1 instead, for tests, and nothing else.

    Raises:
        ConfigurationError: A key is missing, or the environment is neither paper nor live.
    """
    api = AlpacaTrading(around.environ, around.environment, around.clock)
    configured = (around.environ.get("ALPACA_ACCOUNT_ID") or "").strip()
    return AlpacaBroker(api, around.environment, around.clock, around.market_data, configured)


def _prices(
    underlyings: set[str], market_data: MarketData | None, at: datetime
) -> dict[str, Decimal]:
    if not underlyings or market_data is None:
        return {}
    try:
        found = market_data.snapshot((), sorted(underlyings), at)
    except UnavailableError as error:
        log.warning("settlements in shares can't be valued: %s", error)
        return {}
    return {symbol: price.last for symbol, price in found.underlyings.items() if price.last}


def _reason(refusal: Refused) -> str:
    """The broker's reason; empty where the refusal isn't in its own form, and so not definite."""
    if not isinstance(refusal.body, dict):
        return ""
    words = refusal.message.lower()
    is_duplicate = refusal.status == 422 and (
        "must be unique" in words or (refusal.code == _DUPLICATE and "client" in words)
    )
    return f"{DUPLICATE}: {refusal.message}" if is_duplicate else refusal.message
