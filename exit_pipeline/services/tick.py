"""A tick from opening to closing: who is worked, what was found, what is handed from op to op."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from exit_pipeline.core.engine.explain import Explanation
from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.model.account_pnl import AccountPnl
from exit_pipeline.core.model.book import Book
from exit_pipeline.core.model.context import MarketContext
from exit_pipeline.core.model.control import TradingControl
from exit_pipeline.core.model.decision import Decisions
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.exit_order import ExitOrder
from exit_pipeline.core.model.exit_request import ExitRequest
from exit_pipeline.core.model.holdings import Holding
from exit_pipeline.core.model.policy_layer import PolicyLibrary
from exit_pipeline.core.model.position import UNASSIGNED, Position
from exit_pipeline.core.model.quote import MarketSnapshot
from exit_pipeline.core.model.record import RunHandle, RunStatus, StoredDecision, TickIdentity
from exit_pipeline.core.model.session import Session
from exit_pipeline.core.model.shadow import ShadowDecision
from exit_pipeline.policies import shipped_policies
from exit_pipeline.services.context_details import ContextDetails


@dataclass(frozen=True, slots=True, kw_only=True)
class TickRequest:
    """What a launch asks for.

    Attributes:
        run_key: The launching run's own id; it holds the leases.
        dry_run: Decide and record, but send and change nothing.
        tick_at: The scheduled time; None for a launch by hand, which is its own time.
        as_of: The moment to work at instead of now.
        accounts: Only these accounts; None means all. Likewise underlyings, position_ids.
        policy: Policy name or overrides, over each position's own.
        force_close: Close every position in scope.
        import_held: Bring in what the broker's accounts hold before deciding.
        policies: The named policies that texts may begin with.
        shadow_policies: Policies to be decided beside each position's own, text by name.
    """

    run_key: str
    dry_run: bool = False
    tick_at: datetime | None = None
    as_of: datetime | None = None
    accounts: Sequence[str] | None = None
    underlyings: Sequence[str] | None = None
    position_ids: Sequence[str] | None = None
    policy: str | None = None
    force_close: bool = False
    import_held: bool = False
    policies: PolicyLibrary = field(default_factory=shipped_policies, repr=False)
    shadow_policies: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_special(self) -> bool:
        """Whether it must not take a scheduled tick's place: filtered, forced, or a dry run."""
        filters = (self.accounts, self.underlyings, self.position_ids, self.policy)
        return self.dry_run or self.force_close or any(filters)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTick:
    """A tick that has been opened and reconciled.

    Attributes:
        request: What was asked for.
        identity: What makes it the same tick.
        at: The moment of the run's clock.
        session: Today's trading hours; None when the exchange is closed.
        runs: One per account, also those that this launch may not work.
        positions: What is to be decided; empty when there is nothing to do.
        opened_at: When it was opened; `at` moves on while the books are brought up to date.
        held: What the broker holds, by account and symbol; an account that it did not answer for
            is absent, and one that is not known to be ours too.
        not_ours: Why accounts may not be worked at all, by account.
        notes: What a person should know: why it is closed, who holds an account, what was settled.
        control: The switch, where it keeps the tick from sending; None while trading is ACTIVE.
        asked_to_close: Requests in force on its positions.
    """

    request: TickRequest
    identity: TickIdentity
    at: datetime
    session: Session | None
    runs: tuple[RunHandle, ...]
    positions: tuple[Position, ...]
    opened_at: datetime
    held: Mapping[str, Mapping[str, Holding]] = field(default_factory=dict)
    not_ours: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    control: TradingControl | None = None
    asked_to_close: tuple[ExitRequest, ...] = ()

    @property
    def run_ids(self) -> dict[str, str]:
        """The run of each account that this launch works."""
        return {run.account: run.run_id for run in self.runs if run.status is RunStatus.STARTED}

    def run_of(self, position: Position) -> str:
        """The run that decides a position."""
        return self.run_ids[position.account or UNASSIGNED]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketTick:
    """An open tick with what it saw of the market."""

    tick: OpenTick
    market: MarketSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextTick:
    """An open tick with what it saw of the market and what it knows beyond quotes.

    Attributes:
        tick: The open tick.
        market: What it saw of the market.
        context: What decisions are made from.
        details: What a person should see of it beside; None where nothing is to be decided.
    """

    tick: OpenTick
    market: MarketSnapshot
    context: MarketContext
    details: ContextDetails | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedTick:
    """A tick whose decisions are recorded and read back.

    Attributes:
        tick: The open tick.
        market: What it saw of the market.
        context: What it knew beyond quotes.
        stored: The decisions as they stand in the database.
        book: The inputs, one row per decided position, in the order of `decided`.
        decided: The positions of the book's rows.
        decisions: The outcome by row.
        policies: ``book.policy`` indexes this.
        explanation: Why, by row.
        frozen: At one more look inside the tick at orders that are working: the worst prices that
            the tick's first quotes gave, by position. None at the first look.
        accounts: How each account stands; absent where that is not known.
        carried: P&L that positions carried in, dollars, of those first marked in this tick.
        shadow_decisions: What other policies would have decided; nothing is sent of it.
        details: What a person should see of the context; None where nothing is to be decided.
    """

    tick: OpenTick
    market: MarketSnapshot
    context: MarketContext
    stored: tuple[StoredDecision, ...]
    book: Book
    decided: tuple[Position, ...]
    decisions: Decisions
    policies: tuple[Policy, ...]
    explanation: Explanation
    frozen: Mapping[str, Decimal] | None = None
    accounts: Mapping[str, AccountPnl] = field(default_factory=dict)
    carried: Mapping[str, Decimal] = field(default_factory=dict)
    shadow_decisions: tuple[ShadowDecision, ...] = ()
    details: ContextDetails | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutedTick:
    """A tick whose due orders have been sent, or not, with the reason.

    Attributes:
        decided: The decided tick.
        notes: Why nothing was sent, by position id.
    """

    decided: DecidedTick
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TickReport:
    """What a tick did, read back from what is kept.

    Attributes:
        executed: The tick.
        runs: One per account, with its final status.
        decisions: Every decision of those runs, also of a tick that was worked before.
        orders: Every exit order of those runs.
        counts: Positions, exits, quotes refused and the like, by name.
    """

    executed: ExecutedTick
    runs: tuple[RunHandle, ...]
    decisions: tuple[StoredDecision, ...]
    orders: tuple[ExitOrder, ...]
    counts: Mapping[str, int]


def parse_instant(field_name: str, text: str) -> datetime:
    """Read an ISO 8601 instant with a time zone, as UTC.

    Raises:
        InputError: It can't be read, or carries no time zone.

    Example: ``2015-12-24T11:30:00-05:00`` is 16:30 UTC.
    """
    expected = "an ISO 8601 time with a time zone, such as 2015-12-24T11:30:00-05:00"
    try:
        at = datetime.fromisoformat(text.strip())
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        message = f"{field_name} is {text!r}; expected {expected}"
        raise InputError(message) from error
    message = f"{field_name} is {text!r}, which has no time zone; expected {expected}"
    raise InputError(message)
