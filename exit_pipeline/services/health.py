"""Whether all is well, part by part: for a load balancer, a watchdog, and whoever looks."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from exit_pipeline.core.model.account import mask_account
from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.lines import SEVERITIES
from exit_pipeline.core.model.position import UNASSIGNED
from exit_pipeline.core.model.vitals import Vitals
from exit_pipeline.ports import Calendar
from exit_pipeline.services.heartbeat import overdue
from exit_pipeline.services.open_tick import SLOT

_OF_NOW: Final = frozenset({"paper", "live"})


class State(StrEnum):
    """How a part stands, the worst last.

    UNKNOWN is what nothing was seen of yet. WARNING needs a person's look and stops nothing.
    FAILING keeps ticks from their work.
    """

    OK = "ok"
    UNKNOWN = "unknown"
    WARNING = "warning"
    FAILING = "failing"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseHealth:
    """Whether the database answers."""

    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaHealth:
    """The newest applied migration, and the newest that this program has; None where unknown."""

    state: State
    version: str | None
    expected: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TickHealth:
    """Whether ticks still come.

    Attributes:
        state: FAILING where an account with open positions waits for more than two slots.
        last_good_tick_at: Of the newest good tick in ``paper`` and ``live``; None without any.
        age_in_slots: How old it is, in slots of five minutes.
        overdue_accounts: How many accounts wait for too long.
        market_closed: Why the market is closed; None while it is open.
    """

    state: State
    last_good_tick_at: datetime | None
    age_in_slots: float | None
    overdue_accounts: int
    market_closed: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerHealth:
    """Which broker, where, and the accounts that are worked there, masked.

    Attributes:
        state: FAILING while an alert says that the broker does not name an account as ours.
        name: Of the configured broker.
        environment: Where it works.
        accounts: Masked, such as ``...001``.
    """

    state: State
    name: str
    environment: str
    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketHealth:
    """What the newest good tick saw of the market.

    Attributes:
        state: WARNING where it refused every quote that it needed; UNKNOWN before the first tick.
        source: Name of the source; None before the first tick.
        seen_at: The tick's time.
        newest_price_at: Time of the newest price that it saw.
        age_seconds: How old that price is now.
    """

    state: State
    source: str | None = None
    seen_at: datetime | None = None
    newest_price_at: datetime | None = None
    age_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingHealth:
    """What may be sent; WARNING in every state but ACTIVE."""

    state: State
    trading: TradingState


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertHealth:
    """Alerts that nobody has acknowledged, by severity; WARNING where one is CRITICAL."""

    state: State
    unacknowledged: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """Every part; None where it is not known, since the database did not answer."""

    database: DatabaseHealth
    schema: SchemaHealth | None = None
    ticks: TickHealth | None = None
    broker: BrokerHealth | None = None
    market_data: MarketHealth | None = None
    trading: TradingHealth | None = None
    alerts: AlertHealth | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The worst state of any part, when it was looked at, and the parts."""

    state: State
    at: datetime
    components: Components


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What is expected where.

    Attributes:
        broker: Name of the configured broker.
        environment: Where it works.
        schema: Name of the newest migration of this program.
    """

    broker: str
    environment: str
    schema: str


def without_database(at: datetime) -> Health:
    """What can be said where the database does not answer."""
    parts = Components(database=DatabaseHealth(state=State.FAILING))
    return Health(state=State.FAILING, at=at, components=parts)


def health(vitals: Vitals, place: Place, *, calendar: Calendar, at: datetime) -> Health:
    """How every part stands; it names no position and no account in full.

    Example: with a last good tick of 10:00 at 10:07, ticks are ok and 1.4 slots old.
    """
    parts = Components(
        database=DatabaseHealth(state=State.OK),
        schema=_schema(vitals, place),
        ticks=_ticks(vitals, calendar, at),
        broker=_broker(vitals, place),
        market_data=_market(vitals, at),
        trading=TradingHealth(
            state=_warn_if(vitals.control.state is not TradingState.ACTIVE),
            trading=vitals.control.state,
        ),
        alerts=AlertHealth(
            state=_warn_if("CRITICAL" in vitals.alerts),
            unacknowledged={one: vitals.alerts.get(one, 0) for one in SEVERITIES},
        ),
    )
    order = list(State)
    states = [getattr(parts, name).state for name in parts.__slots__]
    return Health(state=max(states, key=order.index), at=at, components=parts)


def _schema(vitals: Vitals, place: Place) -> SchemaHealth:
    # A newer schema is one that this program does not know, and as wrong as an older one.
    is_ours = vitals.schema == place.schema
    return SchemaHealth(
        state=State.OK if is_ours else State.FAILING,
        version=vitals.schema,
        expected=place.schema,
    )


def _ticks(vitals: Vitals, calendar: Calendar, at: datetime) -> TickHealth:
    late = overdue(vitals.accounts, calendar=calendar, at=at)
    ticks = [
        one.last_tick_at
        for one in vitals.accounts
        if one.environment in _OF_NOW and one.last_tick_at is not None
    ]
    last = max(ticks, default=None)
    return TickHealth(
        state=State.FAILING if late else State.OK,
        last_good_tick_at=last,
        age_in_slots=None if last is None else round((at - last) / SLOT, 1),
        overdue_accounts=len(late),
        market_closed=calendar.why_closed(at),
    )


def _broker(vitals: Vitals, place: Place) -> BrokerHealth:
    accounts = {
        mask_account(one.account)
        for one in vitals.accounts
        if one.environment == place.environment and one.account != UNASSIGNED
    }
    return BrokerHealth(
        state=State.FAILING if vitals.wrong_accounts else State.OK,
        name=place.broker,
        environment=place.environment,
        accounts=tuple(sorted(accounts)),
    )


def _market(vitals: Vitals, at: datetime) -> MarketHealth:
    seen = vitals.market
    if seen is None:
        return MarketHealth(state=State.UNKNOWN)
    newest = seen.newest_quote_at
    return MarketHealth(
        state=_warn_if(seen.positions > 0 and seen.refused == seen.positions),
        source=seen.source,
        seen_at=seen.tick_at,
        newest_price_at=newest,
        age_seconds=None if newest is None else int((at - newest).total_seconds()),
    )


def _warn_if(is_so: bool) -> State:  # noqa: FBT001 the condition is the argument
    return State.WARNING if is_so else State.OK
