"""The positions that a seed begins with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from exit_pipeline.core.model.contract import parse_contract
from exit_pipeline.core.model.record import NewPosition
from exit_pipeline.core.model.session import Session
from exit_pipeline_tests.simulation.market import START, SimMarket
from exit_pipeline_tests.simulation.streams import stream

_TIMEFRAMES = (None, "15m", "15m", "1h", "1d")
_STRIKES = {"ACME": (90, 95, 100, 105, 110), "BOLT": (40, 42, 45), "SPY": (440, 450, 460)}


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose positions they are."""

    broker: str
    account: str


def make_positions(seed: int, owner: Owner, market: SimMarket, count: int) -> list[NewPosition]:
    """Some positions; a few share a contract, and those are all on the same side of it."""
    chance = stream(seed, "positions")
    session = market.sessions[0]
    expirations = _expirations(session.day)
    sides: dict[str, str] = {}
    made: list[NewPosition] = []
    for number in range(1, count + 1):
        if made and chance.random() < 0.25:
            symbol = chance.choice(made).symbol
        else:
            symbol = _symbol(chance.choice(sorted(START)), chance, expirations)
        side = sides.setdefault(symbol, "SHORT" if chance.random() < 0.3 else "LONG")
        made.append(_position(seed, number, symbol, side, owner, market))
    return made


def adjusted_position(number: int, owner: Owner, session: Session) -> NewPosition:
    """A position that nothing can be decided for: what its contract delivers is not 100 shares."""
    day = _expirations(session.day)[1]
    return NewPosition(
        id=f"p{number}",
        symbol=f"ACME1{day:%y%m%d}C00100000",
        side="LONG",
        quantity=2,
        entry_price=Decimal("5.00"),
        entry_time=session.opens_at - timedelta(days=2),
        account=owner.account,
        broker=owner.broker,
        environment="paper",
    )


def _position(
    seed: int, number: int, symbol: str, side: str, owner: Owner, market: SimMarket
) -> NewPosition:
    chance = stream(seed, f"position/{number}")
    session = market.sessions[0]
    level = market.level(symbol, session.opens_at)
    mid = max((level.bid + level.ask) / 2, Decimal("0.10"))
    entry = mid * Decimal(str(round(chance.uniform(0.72, 1.35), 3)))
    return NewPosition(
        id=f"p{number}",
        symbol=symbol,
        side=side,
        quantity=chance.choice((1, 1, 2, 2, 3, 4, 5, 8)),
        entry_price=max(round(entry, 2), Decimal("0.05")),
        entry_time=session.opens_at - timedelta(days=1),
        account=owner.account,
        broker=owner.broker,
        environment="paper",
        timeframe=chance.choice(_TIMEFRAMES),
    )


def _symbol(underlying: str, chance: Random, expirations: Sequence[date]) -> str:
    day = chance.choices(expirations, weights=(2, 3, 5))[0]
    strike = chance.choice(_STRIKES[underlying])
    right = chance.choice("CP")
    return parse_contract(f"{underlying}{day:%y%m%d}{right}{strike * 1000:08d}").symbol


def _expirations(day: date) -> tuple[date, date, date]:
    """Today, in a month and in three."""
    return day, day + timedelta(days=31), day + timedelta(days=94)
