"""Accounts, orders and alerts as a person looks at them, one line each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

SEVERITIES: Final = ("CRITICAL", "WARNING", "INFO")
"""Of alerts, the gravest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """An exit order, also one of the users' own from before, of which less is known.

    Prices are dollars per share; None where not known.

    Attributes:
        client_order_id: Ours; None on a row that never had one.
        at: When its intent was recorded.
        environment: Environment of the position; likewise broker, account.
        position_id: The position that it closes.
        symbol: Compact OCC symbol.
        side: SELL_TO_CLOSE or BUY_TO_CLOSE, or what a users' own row has.
        quantity: Contracts ordered.
        filled_quantity: Contracts filled.
        average_price: Of the fills.
        limit_price: What is asked for.
        worst_price: Beyond this the attempt never went.
        exit_reason: The rule's name in capitals.
        urgency: ``Urgency`` name.
        attempt: 1 for the first order of the position, counting up.
        step: How often this exit was repriced before.
        status: ``OrderStatus`` name.
        why: Why it was denied, refused, abandoned or is in doubt; empty otherwise.
        escalated: A person was asked to look at its position and has not acknowledged it.
    """

    client_order_id: str | None
    at: datetime | None
    environment: str | None
    broker: str | None
    account: str | None
    position_id: str | None
    symbol: str | None
    side: str | None
    quantity: int | None
    filled_quantity: int
    average_price: Decimal | None
    limit_price: Decimal | None
    worst_price: Decimal | None
    exit_reason: str | None
    urgency: str | None
    attempt: int | None
    step: int
    status: str
    why: str
    escalated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLine:
    """An alert.

    Attributes:
        id: Key of the row.
        raised_at: When it was raised.
        severity: INFO, WARNING or CRITICAL.
        cause: A short constant such as ``ORDER_NOT_PRICED``.
        subject: What it is about: a position, an order, an account.
        message: One sentence.
        environment: Of the run that raised it; None without a run. Likewise account.
        acknowledged_at: When somebody had seen it; None as long as nobody has.
        acknowledged_by: Who.
    """

    id: str
    raised_at: datetime
    severity: str
    cause: str
    subject: str
    message: str
    environment: str | None
    account: str | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOverview:
    """How one account stands.

    Attributes:
        environment: ``paper``, ``live``, ``tape`` or ``simulated``.
        account: The broker's account.
        open_positions: Positions that are not closed.
        live_orders: Exit orders that may still fill.
        last_tick_at: Newest tick that was worked in earnest; None without any.
        alerts: Alerts of its runs that nobody has acknowledged.
        open_since: When the oldest of its open positions was taken in; None without any.
    """

    environment: str
    account: str
    open_positions: int
    live_orders: int
    last_tick_at: datetime | None
    alerts: int
    open_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionLine:
    """A position as a person looks at it, open or closed.

    Money is dollars: prices per share, P&L for all contracts; None where not known. What is not
    ``managed`` was imported from the broker's account and not adopted; a ``spread_leg`` is probably
    a leg of a spread.
    """

    id: str
    environment: str | None
    account: str | None
    broker: str | None
    option_symbol: str | None
    side: str
    quantity: int
    open_quantity: int
    entry_price: Decimal
    current_price: Decimal | None
    unrealized_pnl: Decimal | None
    realized_pnl: Decimal | None
    realized_pnl_net: Decimal | None
    status: str
    exit_reason: str | None
    close_kind: str | None
    exit_time: datetime | None
    managed: bool
    spread_leg: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionLine:
    """A recorded decision as a person looks at it.

    Prices are dollars per share; None where not known.

    Attributes:
        id: Key of the row.
        run_id: Its run.
        environment: Where the position lives; likewise account.
        position_id: Its position.
        decided_at: The decision's own time.
        dry_run: It was made in a dry run, and nothing came of it.
        option_symbol: Compact OCC symbol.
        side: LONG or SHORT.
        open_quantity: Contracts held when it was made.
        entry_price: Of the position.
        bid: Of the quote; likewise ask, and the mark that was made of them.
        quoted_at: The quote's own time.
        quote_grade: GOOD, DEGRADED or BAD.
        pnl_percent: On the entry price at the mark.
        decision: EXIT or HOLD.
        exit_action: PARTIAL or FULL on an EXIT.
        exit_reason: The rule's name in capitals on an EXIT.
        exit_quantity: Contracts to close on an EXIT.
        urgency: ``Urgency`` name on an EXIT.
        confidence: How much speaks for holding, 0 to 100.
        policy_hash: Of the policy that decided; None where a fault kept it from being decided.
        reasoning: A few sentences: what decided, and for a HOLD the nearest rule.
    """

    id: str
    run_id: str
    environment: str
    account: str
    position_id: str
    decided_at: datetime
    dry_run: bool
    option_symbol: str | None
    side: str
    open_quantity: int
    entry_price: Decimal
    bid: Decimal | None
    ask: Decimal | None
    mark: Decimal | None
    quoted_at: datetime | None
    quote_grade: str
    pnl_percent: float | None
    decision: str
    exit_action: str | None
    exit_reason: str | None
    exit_quantity: int | None
    urgency: str | None
    confidence: int | None
    policy_hash: str | None
    reasoning: Sequence[str]


@dataclass(frozen=True, slots=True)
class DecisionPlace:
    """A place in the list of decisions: those before it are older, or as old with a lower key."""

    decided_at: datetime
    id: str
