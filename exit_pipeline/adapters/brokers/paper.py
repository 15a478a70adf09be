"""A broker without money: fills closing orders against quotes, and keeps books of its own.

The books are in the Postgres schema ``paper``, one set per environment and account, and outlive
the process. Like at a real broker nothing else reads or writes them.

How an order fills, the convention of this broker:

- On arrival a SELL_TO_CLOSE with its limit at or below the bid fills at the bid, and a BUY_TO_CLOSE
  with its limit at or above the ask fills at the ask: never worse than the limit.
- What rests is looked at again when somebody reads it, at that moment's quote. It fills at its own
  limit once the bid (the ask) has reached it, since a resting order is hit at its own price.
- A size on the quote bounds what the account's orders take from that side of that quote; only a
  newer quote brings more. A quote without a size fills everything.
- A quote never fills anything when a side is missing or no price, when bid and ask are crossed,
  or when it is older than 15 minutes; nor does one without a bid fill a sale.
- Orders are good for the day: from the session's close on the rest is EXPIRED.

No transaction is open while the market is asked: the quote comes first, then lock and book.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from sqlalchemy import Engine

from exit_pipeline.adapters.clients import paper_exchange
from exit_pipeline.adapters.clients.paper_ledger import AccountBooks, transaction
from exit_pipeline.adapters.clients.paper_orders import PaperOrder
from exit_pipeline.adapters.clients.postgres_engine import shared_engine
from exit_pipeline.core.model.abilities import BrokerAbilities
from exit_pipeline.core.model.contract import parse_contract
from exit_pipeline.core.model.errors import ConfigurationError, InputError, UnavailableError
from exit_pipeline.core.model.order import (
    DUPLICATE,
    Fill,
    HeldPosition,
    OrderReport,
    OrderRequest,
    OrderSide,
    Settlement,
)
from exit_pipeline.core.model.quote import MarketSnapshot, Quote
from exit_pipeline.core.model.record import NewPosition
from exit_pipeline.ports import Calendar, Clock, MarketData, Surroundings

ABILITIES: Final = BrokerAbilities(stop_orders=False, good_till_cancelled=False)
"""It takes limit orders that are good for the day, as said above."""


class PaperBroker:
    """A ``Broker`` that takes deposits, over quotes of any source.

    A source that does not answer is one without quotes: nothing fills and nothing settles, while
    orders are taken, cancelled and reported as ever.

    Args:
        engine: The database with the schema ``paper``.
        market_data: Quotes that orders fill against, and prices that contracts settle at.
        clock: The time of arrivals, looks and fills.
        environment: ``paper``, ``tape`` or ``simulated``; each has books of its own.
        commission: Dollars per contract.
        fee: Exchange and regulatory fees, dollars per contract.
        calendar: When orders are taken, and until when they are good.

    Attributes:
        name: ``paper``.
        environment: As given.
        ids_are_unique: True: an id that was used before is refused for ever.
    """

    name = "paper"
    ids_are_unique = True

    def __init__(  # noqa: PLR0913 - the seams of a broker, and its two prices
        self,
        engine: Engine,
        market_data: MarketData,
        clock: Clock,
        environment: str,
        *,
        commission: Decimal = Decimal("0.65"),
        fee: Decimal = Decimal("0.02"),
        calendar: Calendar,
    ) -> None:
        self.environment = environment
        self._engine: Final = engine
        self._market_data: Final = market_data
        self._clock: Final = clock
        self._commission: Final = commission
        self._fee: Final = fee
        self._calendar: Final = calendar

    def accounts(self) -> list[str]:
        """The accounts that something was ever deposited into.

        Raises:
            UnavailableError: The database did not answer.
        """
        with transaction(self._engine, self.environment) as books_of:
            return books_of("").holdings.accounts()

    def submit(self, request: OrderRequest, send_by: datetime | None = None) -> OrderReport:
        """Take a closing order, and fill what the quote of this moment fills.

        It is refused, as a report with status REJECTED, when its id was used before, the market is
        closed, the contract trades no more, its price or quantity is none, or it would do more than
        close what is held and free of other orders. A refusal burns its id too. An order that
        already has the id stays untouched, and the report's reason begins with "duplicate".

        Raises:
            UnavailableError: The database did not answer: the order may or may not exist.
        """
        quote = self._ask([request.symbol], (), self._clock.now()).quotes.get(request.symbol)
        now = self._clock.now()
        if send_by is not None and now > send_by:
            return paper_exchange.refusal(request, "not sent: it is too late", now)
        with transaction(self._engine, self.environment) as books_of:
            books = books_of(request.account)
            held = books.lock([request.symbol], now).get(request.symbol, 0)
            free = abs(held) - books.orders.reserved(request.symbol)
            reason = paper_exchange.why_refused(request, held, free, now, self._calendar)
            order = paper_exchange.arrival(request, self.environment, reason, now, self._calendar)
            if not books.orders.add(order):
                name = request.client_order_id
                reason = f"{DUPLICATE} client_order_id {name!r}, expected one never used"
                return paper_exchange.refusal(request, reason, now)
            order = self._fill(books, order, quote, now, arrives=True)
            return books.orders.reports([order])[0]

    def find_order(
        self,
        account: str,
        client_order_id: str,
        broker_order_id: str | None = None,  # noqa: ARG002 - ours finds it at any time
    ) -> OrderReport | None:
        """The order with this id, looked at once more; None when there is none.

        Raises:
            UnavailableError: The database did not answer.
        """
        with transaction(self._engine, self.environment) as books_of:
            known = books_of(account).orders.find([client_order_id])
        return next(iter(self._look_again(account, known)), None)

    def cancel(self, account: str, client_order_id: str) -> OrderReport:
        """Cancel the rest of an order, after a last look; a finished one is reported as it is.

        Raises:
            InputError: There is no such order.
            UnavailableError: The database did not answer.
        """
        with transaction(self._engine, self.environment) as books_of:
            known = books_of(account).orders.find([client_order_id])
        if not known:
            message = (
                f"client_order_id {client_order_id!r} is no order of account {account!r},"
                " expected one that was submitted"
            )
            raise InputError(message)
        return self._look_again(account, known, cancels=True)[0]

    def working_orders(self, account: str) -> list[OrderReport]:
        """The orders that still work after one more look at each, first come first.

        Raises:
            UnavailableError: The database did not answer.
        """
        with transaction(self._engine, self.environment) as books_of:
            known = books_of(account).orders.working()
        return [report for report in self._look_again(account, known) if report.status.is_live]

    def positions(self, account: str) -> list[HeldPosition]:
        """What the account holds, by symbol.

        Raises:
            UnavailableError: The database did not answer.
        """
        with transaction(self._engine, self.environment) as books_of:
            return books_of(account).holdings.all()

    def settlements(self, account: str) -> list[Settlement]:
        """Settle what has expired, and return every settlement of the account so far.

        A holding is settled once its contract's last session has closed, at what exercising yields
        at the underlying's newest price then: EXPIRED at 0 below 0.01, otherwise EXERCISED when
        long and ASSIGNED when short. Where no price of the last 30 minutes before the close is
        known, and for adjusted contracts, whose deliverable is not known, it stays held.
        Morning-settled contracts take the last session's close too, as their special opening
        quotation is no price of any source.

        Raises:
            UnavailableError: The database did not answer.
        """
        now = self._clock.now()
        values = self._closing_values(self.positions(account), now)
        with transaction(self._engine, self.environment) as books_of:
            books = books_of(account)
            for symbol, held in books.lock(values, now).items():
                value, closed_at = values[symbol]
                books.holdings.close(symbol, held)
                settlement = paper_exchange.settle(account, symbol, held, value, closed_at)
                books.holdings.settle(settlement)
            return books.holdings.settlements()

    def deposit(self, positions: Sequence[NewPosition]) -> int:
        """Put positions into the books, each id of an account once for ever; all of them or none.

        Returns:
            How many were new.

        Raises:
            InputError: A position is not usable, belongs to another broker or environment, or is
                opposite to what its account holds of the contract, which a real account would net.
            UnavailableError: The database did not answer.
        """
        for position in positions:
            paper_exchange.check_deposit(position, self.name, self.environment)
            # Refuses a contract beyond the calendar's dates, which could never be settled.
            paper_exchange.last_close(parse_contract(position.symbol), self._calendar)
        now = self._clock.now()
        # Ids first, then holdings, each in order, so that two deposits never wait for each other.
        in_order = sorted(positions, key=lambda p: (p.account, p.id))
        with transaction(self._engine, self.environment) as books_of:
            new = [p for p in in_order if books_of(p.account).holdings.note_deposit(p, now)]
            for position in sorted(new, key=lambda p: (p.account, p.symbol)):
                books_of(position.account).holdings.add(position)
        return len(new)

    def _ask(
        self, options: Collection[str], underlyings: Collection[str], at: datetime
    ) -> MarketSnapshot:
        nothing = MarketSnapshot(source=self._market_data.source, feed_age_limit=timedelta(0))
        if not options and not underlyings:
            return nothing
        try:
            return self._market_data.snapshot(sorted(options), sorted(underlyings), at)
        except UnavailableError:
            return nothing

    def _look_again(
        self, account: str, known: Sequence[PaperOrder], *, cancels: bool = False
    ) -> list[OrderReport]:
        now = self._clock.now()
        symbols = {order.symbol for order in known if order.status.is_live}
        quotes = self._ask(symbols, (), now).quotes
        with transaction(self._engine, self.environment) as books_of:
            books = books_of(account)
            books.lock(symbols, now)
            looked_at = []
            for order in books.orders.find([order.client_order_id for order in known]):
                found = self._fill(books, order, quotes.get(order.symbol), now, arrives=False)
                if cancels and found.status.is_live:
                    found = books.orders.cancel(found)
                looked_at.append(found)
            return books.orders.reports(looked_at)

    def _fill(
        self,
        books: AccountBooks,
        order: PaperOrder,
        quote: Quote | None,
        now: datetime,
        *,
        arrives: bool,
    ) -> PaperOrder:
        price = paper_exchange.execution_price(order, quote, now, arrives=arrives)
        if price is None or quote is None:
            return order
        taken = books.orders.size_taken(order, quote.quoted_at)
        quantity = paper_exchange.size_left(order, quote, taken)
        if quantity == 0:
            return order
        fill = Fill(
            execution_id=f"paper-{order.id}-{order.filled_quantity + quantity}",
            quantity=quantity,
            price=price,
            commission=self._commission * quantity,
            fees=self._fee * quantity,
            executed_at=now,
        )
        sells = order.side is OrderSide.SELL_TO_CLOSE
        books.holdings.close(order.symbol, quantity if sells else -quantity)
        return books.orders.book_fill(order, fill, quote.quoted_at)

    def _closing_values(
        self, held: Sequence[HeldPosition], now: datetime
    ) -> dict[str, tuple[Decimal, datetime]]:
        values = {}
        symbols = [holding.symbol for holding in held]
        for closed_at, group in paper_exchange.expired(symbols, self._calendar, now).items():
            prices = self._ask((), {contract.underlying for contract in group}, closed_at)
            for contract in group:
                value = paper_exchange.closing_value(contract, prices.underlyings, closed_at)
                if value is not None:
                    values[contract.symbol] = (value, closed_at)
        return values


def build(around: Surroundings) -> PaperBroker:
    """The paper broker, with its books in the project's database.

    ``EXIT_PAPER_COMMISSION`` and ``EXIT_PAPER_FEE`` are dollars per contract.

    Raises:
        ConfigurationError: One of them is no amount, or market data is missing.
    """
    if around.market_data is None:
        message = "the paper broker fills orders from market data, and none is configured"
        raise ConfigurationError(message)
    return PaperBroker(
        shared_engine(around.database_url),
        around.market_data,
        around.clock,
        around.environment,
        commission=_amount(around, "EXIT_PAPER_COMMISSION", "0.65"),
        fee=_amount(around, "EXIT_PAPER_FEE", "0.02"),
        calendar=around.calendar,
    )


def _amount(around: Surroundings, name: str, default: str) -> Decimal:
    text = around.environ.get(name) or default
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if amount.is_finite() and 0 <= amount <= 100:
        return amount
    message = f"{name} is {text!r}; expected dollars per contract from 0 to 100"
    raise ConfigurationError(message)
