"""What is kept of a tick: its run, its decisions, its order intents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any


class RunStatus(StrEnum):
    """Life of one run over one account."""

    STARTED = "STARTED"
    SUCCEEDED = "SUCCEEDED"
    SKIPPED = "SKIPPED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class TickIdentity:
    """What makes a tick the same tick, whoever launches it how often.

    Attributes:
        environment: ``paper``, ``live``, ``tape`` or ``simulated``.
        broker: Name of the broker.
        tick_at: The scheduled time.
        mode: ``live`` for market data of now, or the name of the source that was replayed.
        dry_run: Nothing is sent or changed.
        request_id: Empty for a scheduled tick; unique for a launch with filters or overrides.
    """

    environment: str
    broker: str
    tick_at: datetime
    mode: str
    dry_run: bool
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHandle:
    """One row of ``decision_runs``: a tick's work on one account.

    Attributes:
        run_id: Key of the row.
        account: The broker's account; ``unassigned`` holds the rows that no broker has yet.
        status: STARTED where this caller may work, SKIPPED where it may not, SUCCEEDED where the
            same tick was already worked.
        reason: Why not, as a person would say it; empty where it may.
        held_by: The launching run that works the account, where that is why it is skipped.
        is_superseded: It may bring the books up to date and nothing else, since a later tick was
            worked already.
        fence: Number of the lease that it holds; None where it holds none.
    """

    run_id: str
    account: str
    status: RunStatus
    reason: str = ""
    held_by: str | None = None
    is_superseded: bool = False
    fence: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether it is skipped because another run works the account."""
        return self.held_by is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDecision:
    """A decision as it was recorded and read back.

    Attributes:
        id: Key of the row.
        run_id: Its run.
        position_id: Its position.
        option_symbol: Compact OCC symbol; None where the contract is not known.
        decided_at: The decision's own time.
        side: LONG or SHORT.
        open_quantity: Contracts held when it was made.
        entry_price: Dollars per share.
        bid: Dollars per share, None if unknown; likewise ask, mark.
        quoted_at: The quote's own time.
        pnl_percent: On the entry price at the mark.
        quote_flags: ``QuoteFlag`` bits.
        quote_grade: GOOD, DEGRADED or BAD.
        decision: EXIT or HOLD.
        exit_action: PARTIAL or FULL on an EXIT.
        exit_reason: The rule's name in capitals on an EXIT.
        exit_quantity: Contracts to close on an EXIT.
        urgency: ``Urgency`` name on an EXIT.
        policy_hash: Of the policy that decided; None where a fault kept it from being decided.
        fired_mask: Bit i is set where rule i of the policy fired.
        evaluable_mask: Bit i is set where rule i of the policy could be judged.
        gex_latched_after: The gamma flip is due after this decision.
        rule_hits_after: For how many ticks in a row each rule has fired now; None where none has.
        iv: Implied volatility of the contract, per year.
        regime: ``Regime`` by name.
        gex_direction: Direction of the newest gamma signal by name.
        gex_entry: Direction in force at entry by name.
        confidence: How much speaks for holding, 0 to 100; None where nothing is known.
        reasoning: A few sentences: what decided, and for a HOLD the nearest rule.
    """

    id: str
    run_id: str
    position_id: str
    option_symbol: str | None
    decided_at: datetime
    side: str
    open_quantity: int
    entry_price: Decimal
    bid: Decimal | None
    ask: Decimal | None
    mark: Decimal | None
    quoted_at: datetime | None
    pnl_percent: float | None
    quote_flags: int
    quote_grade: str
    decision: str
    exit_action: str | None
    exit_reason: str | None
    exit_quantity: int | None
    urgency: str | None
    policy_hash: str | None
    fired_mask: int
    evaluable_mask: int
    gex_latched_after: bool
    rule_hits_after: Sequence[int] | None = None
    iv: float | None = None
    regime: str | None = None
    gex_direction: str | None = None
    gex_entry: str | None = None
    confidence: int | None = None
    reasoning: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRows:
    """Decisions to be recorded, as columns of equal length by the database's column names."""

    columns: Mapping[str, Sequence[Any]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionMark:
    """What a tick leaves on an open position: its newest mark and the state of its rules.

    Attributes:
        position_id: The position.
        mark: Dollars per share; None keeps the last one.
        mid: Mid of a usable quote, dollars per share; None where there was none.
        good_mark: The mark where the quote was GOOD, for the high-water mark; None otherwise.
        gex_latched: The gamma flip is due.
        rule_hits: For how many ticks in a row each rule has fired now; None where none has.
        rule_hits_policy: Hash of the policy whose order those counts are in.
        entry_iv: Implied volatility, kept where none is kept yet; likewise `entry_regime` and
            `entry_gex` and `carried_pnl`.
        carried_pnl: P&L carried in from before the session, dollars; None without a mark.
        marked_at: Time of the tick.
    """

    position_id: str
    mark: Decimal | None
    mid: Decimal | None
    good_mark: Decimal | None
    gex_latched: bool
    rule_hits: Sequence[int] | None = None
    rule_hits_policy: str | None = None
    entry_iv: float | None = None
    entry_regime: str | None = None
    entry_gex: str | None = None
    carried_pnl: Decimal | None = None
    marked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that needs a person.

    Attributes:
        severity: INFO, WARNING or CRITICAL.
        cause: A short constant such as ``ORDER_NOT_PRICED``.
        subject: What it is about: a position, an order, an account.
        message: One sentence.
        run_id: The run that raised it.
    """

    severity: str
    cause: str
    subject: str
    message: str
    run_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerCall:
    """One call of a broker, for ``adapter_logs``.

    Attributes:
        run_id: The run that made it.
        broker: Name of the broker.
        environment: Its environment.
        account: The broker's account.
        call: The port's method.
        client_order_id: The order it was about; None for reads of many.
        outcome: ``ok``, or the error's class.
        detail: Status or message, never a secret.
        called_at: By the pipeline's clock.
    """

    run_id: str | None
    broker: str
    environment: str
    account: str | None
    call: str
    client_order_id: str | None
    outcome: str
    detail: str
    called_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPosition:
    """A position to be imported.

    Attributes:
        id: The user's own key.
        symbol: Compact OCC symbol.
        side: LONG or SHORT.
        quantity: Contracts, at least 1.
        entry_price: Dollars per share, above 0.
        entry_time: When it was opened.
        account: The broker's account.
        broker: Name of the broker that holds it.
        environment: Environment that it lives in.
        timeframe: Of the strategy; None if it has none.
        policy: Name or overrides; None follows the default.
        imported_at: When an import from the broker's account first saw it: it is not managed until
            it is adopted. None for what people bring in, which is managed at once.
    """

    id: str
    symbol: str
    side: str
    quantity: int
    entry_price: Decimal
    entry_time: datetime
    account: str
    broker: str
    environment: str
    timeframe: str | None = None
    policy: str | None = None
    imported_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """How a run over one account ended.

    Attributes:
        run_id: The run.
        status: SUCCEEDED, SKIPPED or FAILED.
        reason: One sentence, empty on success.
        counts: Positions, exits, fills and the like, by name.
        market: What was seen of the market: underlyings, VIX, quotes refused.
        market_source: Name of the market-data source.
        pnl: How the account stood when it was decided: ``open_pnl``, ``realised_pnl``,
            ``peak_pnl``, ``day_pnl`` and ``drawdown`` in dollars; empty where that is not known.
    """

    run_id: str
    status: RunStatus
    reason: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    market: Mapping[str, Any] = field(default_factory=dict)
    market_source: str | None = None
    pnl: Mapping[str, float | None] = field(default_factory=dict)


LEASE = timedelta(seconds=240)
"""How long a run may hold an account: below one slot of five minutes, so that a killed run never
blocks the tick after next, and equal to the run time limit of the instance."""
