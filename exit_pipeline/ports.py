"""What the use cases need of the outside: one Protocol per kind of adapter.

Ports name no vendor and no framework. Each adapter kind has a contract test that runs over every
adapter of that kind and over its fakes.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from exit_pipeline.core.model.broker_time import BrokerTime
from exit_pipeline.core.model.closing import ClosingFill, Evidence, Unexplained
from exit_pipeline.core.model.context import GexHistory
from exit_pipeline.core.model.control import TradingControl, TradingState
from exit_pipeline.core.model.exit_order import (
    Denial,
    ExitOrder,
    IntentAnswer,
    LastAttempt,
    OrderFacts,
    OrderIntent,
)
from exit_pipeline.core.model.exit_request import ExitRequest
from exit_pipeline.core.model.holdings import Gap, HeldStep, StepTaken
from exit_pipeline.core.model.lines import AccountOverview, AlertLine, OrderLine
from exit_pipeline.core.model.order import (
    HeldPosition,
    OrderReport,
    OrderRequest,
    OrderStatus,
    Settlement,
)
from exit_pipeline.core.model.position import Position
from exit_pipeline.core.model.quote import MarketSnapshot, OpenInterest
from exit_pipeline.core.model.record import (
    Alert,
    BrokerCall,
    DecisionRows,
    NewPosition,
    PositionLine,
    PositionMark,
    RunHandle,
    RunSummary,
    StoredDecision,
    TickIdentity,
)
from exit_pipeline.core.model.session import Session


@runtime_checkable
class Clock(Protocol):
    """The only source of the present time."""

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        ...


@runtime_checkable
class Calendar(Protocol):
    """The exchange's sessions.

    Attributes:
        name: Such as ``XNYS``.
        zone: Time zone of the exchange.
    """

    name: str
    zone: ZoneInfo

    def session(self, day: date) -> Session | None:
        """The session of a date in exchange time; None when the exchange is closed all day."""
        ...

    def session_on_or_before(self, day: date) -> Session:
        """The last session that is not after `day`."""
        ...

    def why_closed(self, at: datetime) -> str | None:
        """Why nothing trades at `at`, such as "XNYS is closed: Christmas Day"; None while open.

        Sessions are ``[open, close)``.
        """
        ...


@runtime_checkable
class MarketData(Protocol):
    """Quotes and prices, each with its own time.

    Attributes:
        source: Name of the source, shown and stored wherever its prices are.
        is_live: Whether it tells of the real market of now; recorded and simulated sources do not.
    """

    source: str
    is_live: bool

    def snapshot(
        self, options: Sequence[str], underlyings: Sequence[str], at: datetime
    ) -> MarketSnapshot:
        """The newest quotes of option symbols, and prices of underlyings and indices.

        Args:
            options: Compact OCC symbols.
            underlyings: Tickers and indices.
            at: Time of the tick. A source with a past answers as of then, never with anything
                later; a live one answers with what is newest.

        Raises:
            UnavailableError: The source did not answer. A symbol that it does not know is absent
                from the answer instead.
        """
        ...

    def chain(self, underlying: str, at: datetime) -> Sequence[str]:
        """The option symbols listed on an underlying that the source has quoted by `at`."""
        ...


@runtime_checkable
class IsDelayed(Protocol):
    """A source that tells of the real market, but minutes late by nature.

    It gives context, such as chains and volatility indices, and never the price of an order; as
    market data of its own it is not live.

    Attributes:
        is_delayed: True.
    """

    is_delayed: bool


@runtime_checkable
class TellsOpenInterest(Protocol):
    """A source that tells open interest apart from its quotes."""

    def open_contracts(
        self, underlyings: Sequence[str], first_expiration: date, last_expiration: date
    ) -> Sequence[OpenInterest] | None:
        """Open interest of every contract on underlyings, each once; one that has none is absent.

        Args:
            underlyings: Tickers.
            first_expiration: Contracts that expire earlier are left out.
            last_expiration: Contracts that expire later are left out.

        Returns:
            None where there is nobody to be asked, which is no answer.

        Raises:
            UnavailableError: No answer, or not the whole of it.
            ConfigurationError: The credentials are refused.
        """
        ...


@runtime_checkable
class KeepsTape(Protocol):
    """A source that keeps on a tape what ticks saw of it."""

    def keep(
        self, seen: MarketSnapshot, tick_at: datetime, on_failure: Callable[[str], None]
    ) -> None:
        """Keep what a tick saw, without delay and without ever raising.

        Args:
            seen: The tick's snapshot.
            tick_at: The tick's scheduled time.
            on_failure: Called with one sentence, perhaps later and from another thread.
        """
        ...


class TapeWriter(Protocol):
    """Where a tape is written."""

    def append(
        self,
        tick_at: datetime,
        options: Mapping[str, Sequence[Any]],
        underlyings: Mapping[str, Sequence[Any]],
    ) -> None:
        """Add a tick's rows, as columns by name, to its day; again for the same tick replaces them.

        Raises:
            ExitPipelineError: It can't be written; the day stands as it did before.
        """
        ...


@runtime_checkable
class CanClose(Protocol):
    """Something that holds connections."""

    def close(self) -> None:
        """Let go of them."""
        ...


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What an adapter may be built from; each module of an adapter kind offers ``build`` of it.

    Attributes:
        environ: Environment variables, for an adapter's own settings and secrets.
        clock: The run's clock.
        calendar: The exchange's calendar.
        environment: ``paper``, ``live``, ``tape`` or ``simulated``.
        database_url: The project's database, for a broker that keeps its books there.
        market_data: The run's market data, for a broker that fills orders itself; None while
            market data itself is built.
        market_source: Builds another source of market data by its name, for a source that is
            made of others; None for everything else.
    """

    environ: Mapping[str, str]
    clock: Clock
    calendar: Calendar
    environment: str
    database_url: str
    market_data: MarketData | None = None
    market_source: Callable[[str], MarketData] | None = None


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


class RunStore(Protocol):
    """Ticks: who works which account when, and how it ended."""

    def open(
        self,
        tick: TickIdentity,
        accounts: Sequence[str],
        holder: str,
        code_version: str,
        lease: timedelta,
    ) -> list[RunHandle]:
        """Open one run per account, atomically with the account's lease.

        A dry run takes no lease. A tick that was worked before comes back SUCCEEDED with its run;
        one that was begun and not finished is continued once its lease has passed. An account that
        another run holds, and a tick older than the newest finished one of its account, come back
        SKIPPED with the reason; so a live ledger's time never runs backwards.
        """
        ...

    def close(self, holder: str, summaries: Sequence[RunSummary]) -> None:
        """Write how runs ended, and give their accounts back."""
        ...

    def fail(self, holder: str, reason: str) -> None:
        """End as FAILED what the holder has begun and not ended, and give its accounts back."""
        ...

    def raise_alerts(self, alerts: Sequence[Alert]) -> None:
        """Record alerts; of one cause and subject there is one until it is acknowledged."""
        ...

    def alerts(self, *, only_open: bool) -> list[AlertLine]:
        """Alerts, the newest first.

        Args:
            only_open: Only those that nobody has acknowledged.
        """
        ...

    def acknowledge(self, alert_ids: Sequence[str], acknowledged_by: str, at: datetime) -> int:
        """Note who has seen alerts; returns how many nobody had acknowledged before."""
        ...

    def overview(self) -> list[AccountOverview]:
        """How every account stands, by environment and account."""
        ...

    def log_calls(self, calls: Sequence[BrokerCall]) -> None:
        """Record broker calls in ``adapter_logs``."""
        ...


class PositionStore(Protocol):
    """The positions that are managed."""

    def accounts(self, environment: str) -> list[str]:
        """Every account that has, or has had, a position in this environment."""
        ...

    def open_positions(
        self,
        environment: str,
        accounts: Sequence[str] | None = None,
        underlyings: Sequence[str] | None = None,
        position_ids: Sequence[str] | None = None,
    ) -> list[Position]:
        """Open positions of an environment, and those that no broker has yet.

        None means all. Ordered by id.
        """
        ...

    def listing(self, environment: str | None = None) -> list[PositionLine]:
        """Every position, open and closed, of one environment or of all, by id."""
        ...

    def check_import(self, positions: Sequence[NewPosition]) -> None:
        """Refuse what ``import_positions`` would refuse, before anything else is done with it.

        Raises:
            InputError: As there.
        """
        ...

    def import_positions(self, positions: Sequence[NewPosition]) -> int:
        """Add positions in one transaction; returns how many were new.

        Raises:
            InputError: An id exists with another contract, side, quantity, price or account;
                nothing was imported.
        """
        ...

    def keep_in_step(self, step: HeldStep) -> StepTaken | None:
        """Take a step of an account's unmanaged rows, and find its legs of spreads, all or nothing.

        None where its open rows are no longer those of ``step.basis``: nothing was changed.
        """
        ...

    def adopt(self, positions: Sequence[NewPosition]) -> int:
        """Give open rows a broker that have none yet, and have unmanaged ones managed.

        A leg of a spread, and a row that another account holds, stays as it is. Returns how many
        were adopted.
        """
        ...

    def refresh(self, marks: Sequence[PositionMark]) -> None:
        """Write marks, open P&L, high-water marks and latches, in one statement."""
        ...

    def settle(self, position_id: str, settlement: Settlement) -> int:
        """Close as many contracts as a settlement still has, at its value; returns how many.

        Each contract of a settlement counts once, whatever is settled with it how often.
        """
        ...

    def see_gaps(
        self, environment: str, account: str, missing: Mapping[str, int], at: datetime
    ) -> dict[str, Gap]:
        """Remember which contracts a broker holds too few of; what an earlier tick saw as well.

        Args:
            environment: Of the account.
            account: The broker's account.
            missing: Contracts by symbol; what is not among them is missing no more.
            at: The tick's moment.

        Returns:
            By symbol, as many of them as were missing at an earlier moment too, and since when.
        """
        ...

    def closed_elsewhere(
        self, environment: str, account: str, symbols: Collection[str], since: datetime
    ) -> set[str]:
        """Those of the symbols of which a position counts as closed by somebody since then."""
        ...

    def close_elsewhere(self, position_id: str, contracts: int, at: datetime) -> None:
        """Take contracts out of a position that somebody closed at a price that is not known."""
        ...


class ClosingStore(Protocol):
    """Contracts that left without an order of ours, and what the broker tells of them."""

    def unexplained(
        self, broker: str, environment: str, accounts: Sequence[str], since: datetime
    ) -> list[Unexplained]:
        """Contracts closed elsewhere since then at a price that is not known yet, by position."""
        ...

    def explain(self, position_id: str, evidence: Evidence) -> int:
        """Give contracts that were closed elsewhere their price; returns how many.

        Each contract of an evidence counts once, and none that is a fill of an order of ours. A
        position that ended as EXTERNAL ends as what is told.
        """
        ...


class SignalStore(Protocol):
    """What other programs, and our own context, have written about the market."""

    def gex_history(self, underlyings: Sequence[str], at: datetime) -> dict[str, GexHistory]:
        """The newest gamma signal and the one before it, by underlying, none later than `at`."""
        ...

    def newest_trend(self, at: datetime) -> tuple[str, datetime] | None:
        """The newest trend that was recorded, none later than `at`, with its time."""
        ...

    def record_context(self, run_ids: Sequence[str], snapshot: Mapping[str, object]) -> None:
        """Keep the context that runs saw in ``refactored_context_snapshots``, once per run."""
        ...

    def import_gex_signals(self, rows: Sequence[Mapping[str, object]]) -> int:
        """Add gamma signals by their ids; returns how many were new."""
        ...


class OpenInterestStore(Protocol):
    """Open interest that was asked for."""

    def told_on(self, session_day: date, symbols: Sequence[str]) -> dict[str, int | None]:
        """What was told on a session day, by symbol; None where the source had none.

        A symbol that was not asked about on that day is absent.
        """
        ...

    def record(
        self,
        source: str,
        session_day: date,
        told: Sequence[OpenInterest],
        without: Sequence[str] = (),
    ) -> None:
        """Keep an answer: what was told of contracts, and the symbols that it has none of."""
        ...


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


class OrderStore(Protocol):
    """Closing orders and their fills."""

    def live_orders(self, environment: str, accounts: Sequence[str]) -> list[ExitOrder]:
        """Exit orders that may still fill."""
        ...

    def of_runs(self, run_ids: Sequence[str]) -> list[ExitOrder]:
        """Exit orders that runs made."""
        ...

    def ended_orders(
        self, environment: str, account: str, symbols: Sequence[str], since: datetime
    ) -> list[ExitOrder]:
        """Exit orders on these contracts that were sent since then and have ended."""
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


class ExitRequestStore(Protocol):
    """Positions that a person wants closed."""

    def add(self, requests: Sequence[ExitRequest]) -> None:
        """Keep requests, all or none."""
        ...

    def in_force(self, position_ids: Sequence[str], at: datetime) -> list[ExitRequest]:
        """Requests on these positions that have begun and not expired at a moment."""
        ...

    def expired(self, position_ids: Sequence[str], at: datetime) -> list[ExitRequest]:
        """Requests on these positions that have expired, of which nobody has been told yet."""
        ...

    def note_expired(self, request_ids: Sequence[str], at: datetime) -> None:
        """Note that a person was told that requests expired."""
        ...

    def consume(self, requests: Mapping[str, str], at: datetime) -> int:
        """Note which run decided first on which request, once each.

        Args:
            requests: The run by the request's id.
            at: The tick's moment.

        Returns:
            How many no run had consumed before.
        """
        ...


class ControlStore(Protocol):
    """The switch that stops trading."""

    def read(self) -> TradingControl:
        """The switch as it stands."""
        ...

    def move(self, state: TradingState, reason: str, changed_by: str) -> TradingControl:
        """Move the switch; every move is kept.

        Raises:
            InputError: It would become ACTIVE without a reason, or laxer without being resumed.
        """
        ...

    def state(self, environment: str) -> TradingState:
        """What may be sent in an environment; where nobody's money moves it is always ACTIVE."""
        ...

    def halt(self, reason: str) -> None:
        """Stop new orders because of an anomaly; a stricter state stays."""
        ...


@runtime_checkable
class Database(Protocol):
    """Everything that is kept."""

    def installation_id(self) -> str:
        """What tells this database from every other, so that order ids never meet."""
        ...

    @property
    def runs(self) -> RunStore:
        """Ticks."""
        ...

    @property
    def positions(self) -> PositionStore:
        """Positions."""
        ...

    @property
    def closings(self) -> ClosingStore:
        """Contracts that left without an order of ours."""
        ...

    @property
    def signals(self) -> SignalStore:
        """Market signals and context."""
        ...

    @property
    def open_interest(self) -> OpenInterestStore:
        """Open interest."""
        ...

    @property
    def decisions(self) -> DecisionStore:
        """Decisions."""
        ...

    @property
    def orders(self) -> OrderStore:
        """Orders and fills."""
        ...

    @property
    def exit_requests(self) -> ExitRequestStore:
        """Positions that a person wants closed."""
        ...

    @property
    def control(self) -> ControlStore:
        """The switch that stops trading."""
        ...
