"""The figures of a gamma context that are kept, so that ticks between two chains can use them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any, Self

from exit_pipeline.core.context.gamma_context import GammaContext
from exit_pipeline.core.context.gex_signal import CONVENTION
from exit_pipeline.core.model.context import MODE_KEY
from exit_pipeline.core.model.direction import Direction
from exit_pipeline.core.model.instant import to_datetime
from exit_pipeline.core.model.reading import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class GammaFigures:
    """What gamma exposure told of an underlying; None where not known, and `reason` says why.

    Gamma amounts are dollars per 1 % move under the convention of ``GammaExposure``.

    Attributes:
        asked_at: When the chain was asked for.
        at: The chain's own time; None where no chain came.
        source: Who gave it.
        spot: Price of the underlying then, dollars.
        direction: CALL in positive gamma, PUT in negative; None where not known.
        strength: |net| / gross, 0 to 1.
        net: Calls less puts.
        gross: Calls and puts by their size.
        zero_gamma: The zero of net gamma nearest the spot, dollars.
        crossings: Every zero found, dollars, and the sign just above each.
        call_wall: Strike with the most gamma of calls, dollars.
        put_wall: Strike with the most gamma of puts, dollars.
        walls: How walls are defined.
        volatility: Whose volatility was used.
        zero_dte_share: Part of the gross gamma that is settled within 12 hours, 0 to 1.
        vanna: Dollars of delta per point of volatility.
        charm: Dollars of delta per day.
        contracts: Contracts of the chain.
        open_contracts: Those with an open interest above zero.
        reason: Why nothing, or no zero, is known.
    """

    asked_at: datetime
    at: datetime | None = None
    source: str = ""
    spot: float | None = None
    direction: str | None = None
    strength: float | None = None
    net: float | None = None
    gross: float | None = None
    zero_gamma: float | None = None
    crossings: tuple[tuple[float, int], ...] = ()
    call_wall: float | None = None
    put_wall: float | None = None
    walls: str | None = None
    volatility: str | None = None
    zero_dte_share: float | None = None
    vanna: float | None = None
    charm: float | None = None
    contracts: int = 0
    open_contracts: int = 0
    reason: str | None = None

    @classmethod
    def of(cls, context: GammaContext, asked_at: datetime) -> Self:
        """The figures of a context."""
        told: dict[str, Any] = {
            "asked_at": asked_at,
            "at": to_datetime(context.at),
            "source": context.source,
            "contracts": context.coverage.rows,
            "open_contracts": context.coverage.open,
            "reason": context.reason,
        }
        exposure, zero = context.exposure, context.zero
        if exposure is None or zero is None:
            return cls(**told)
        signal = context.signal
        known = signal.direction is not Direction.NONE
        return cls(
            **told
            | {
                "spot": context.spot,
                "direction": signal.direction.name if known else None,
                "strength": signal.strength,
                "net": exposure.net,
                "gross": exposure.gross,
                "zero_gamma": zero.nearest.price if zero.nearest else None,
                "crossings": tuple((one.price, one.above) for one in zero.crossings),
                "call_wall": exposure.call_wall,
                "put_wall": exposure.put_wall,
                "walls": exposure.walls.value,
                "volatility": exposure.figures.value,
                "zero_dte_share": exposure.zero_dte_share,
                "vanna": exposure.vanna,
                "charm": exposure.charm,
                "reason": signal.reason or zero.reason,
            }
        )

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> Self:
        """The figures as a snapshot keeps them; what it has beside is passed over."""
        names = {one.name for one in fields(cls)}
        values = {name: value for name, value in stored.items() if name in names}
        for name in ("asked_at", "at"):
            if values.get(name):
                values[name] = datetime.fromisoformat(values[name])
        values["crossings"] = tuple((price, sign) for price, sign in values.get("crossings", ()))
        return cls(**values)

    def to_stored(self) -> dict[str, Any]:
        """As JSON keeps them."""
        times = {name: getattr(self, name) for name in ("asked_at", "at")}
        return asdict(self) | {name: at and at.isoformat() for name, at in times.items()}

    def reading(self, age_limit: timedelta) -> Reading:
        """Net gamma with its age."""
        return Reading(
            value=self.net, at=self.at, source=self.source or "no source", age_limit=age_limit
        )

    def sign(self, moment: datetime, age_limit: timedelta) -> int | None:
        """+1 in positive gamma, -1 in negative; None where that is not known or too old."""
        if self.direction is None or self.reading(age_limit).fresh(moment) is None:
            return None
        return int(Direction[self.direction])

    def metadata(self, mode: str, run_ids: list[str], moment: datetime) -> dict[str, Any]:
        """What is kept beside a signal of them."""
        age = None if self.at is None else int((moment - self.at).total_seconds())
        return self.to_stored() | {
            MODE_KEY: mode,
            "run_ids": run_ids,
            "age_seconds": age,
            "unit": "dollars of the underlying per 1 % move",
            "convention": CONVENTION,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Chains:
    """What a tick knows of gamma exposure.

    Attributes:
        figures: By underlying, of this tick's chain or kept from an earlier one.
        fresh: Contexts that were computed in this tick, for plots and signals.
        notes: What went wrong, one sentence each.
    """

    figures: Mapping[str, GammaFigures] = field(default_factory=dict)
    fresh: Mapping[str, GammaContext] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
