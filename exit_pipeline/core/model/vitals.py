"""How the whole stands at a glance, and figures of a day, for programs that watch it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from exit_pipeline.core.model.control import TradingControl


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPulse:
    """Whether ticks still come to one account.

    Attributes:
        environment: ``paper``, ``live``, ``tape`` or ``simulated``.
        account: The broker's account.
        open_positions: Positions that are not closed.
        last_tick_at: Newest tick that was worked in earnest; None without any.
        open_since: When the oldest of its open positions was taken in; None without any.
    """

    environment: str
    account: str
    open_positions: int
    last_tick_at: datetime | None
    open_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSeen:
    """What the newest good tick of an environment saw of the market.

    Attributes:
        source: Name of the market-data source.
        tick_at: The tick's time.
        newest_quote_at: Time of the newest price among the underlyings; None where it saw none.
        positions: Positions that were decided.
        refused: Those whose quote was refused.
    """

    source: str | None
    tick_at: datetime
    newest_quote_at: datetime | None
    positions: int
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """What is asked of the database to say whether all is well, read in one transaction.

    Attributes:
        schema: Name of the newest migration that is applied; None without any.
        control: The switch.
        accounts: Those that ticks have worked, or that have open positions.
        alerts: Alerts that nobody has acknowledged, by severity; a severity without any is absent.
        wrong_accounts: Such alerts that say that a broker does not name an account as ours.
        market: What the newest good tick of the environment saw; None without any.
    """

    schema: str | None
    control: TradingControl
    accounts: Sequence[AccountPulse]
    alerts: Mapping[str, int]
    wrong_accounts: int
    market: MarketSeen | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How often something occurred.

    Attributes:
        labels: What it was, by name.
        count: How often.
    """

    labels: Mapping[str, str]
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledOrder:
    """An exit order that has filled, as it did.

    Attributes:
        environment: Of the position.
        contracts: How many filled.
        seconds: From the recorded intent to the last fill; None where a time is not known.
        slippage: Dollars that all of its contracts brought less, or cost more, than the mid of the
            quote that it was decided on; negative where they did better; None without a mid.
    """

    environment: str
    contracts: int
    seconds: float | None
    slippage: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """Counts since a moment; dry runs are in none of them.

    Attributes:
        runs: Of accounts, by ``environment`` and ``status``.
        decisions: By ``environment``, ``outcome`` (HOLD, PARTIAL or FULL) and ``reason``.
        refused_quotes: Decisions whose quote was refused, by ``environment`` and ``flags``, which
            are the bits of ``QuoteFlag`` as a number.
        orders: Exit orders by ``environment`` and ``state``, also older ones that may still fill.
        filled: Orders that have filled.
    """

    runs: Sequence[Count]
    decisions: Sequence[Count]
    refused_quotes: Sequence[Count]
    orders: Sequence[Count]
    filled: Sequence[FilledOrder]
