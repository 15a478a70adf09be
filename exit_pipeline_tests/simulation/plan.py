"""What happens in one seed, laid down before it begins."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from exit_pipeline.core.model.session import Session
from exit_pipeline_tests.fakes import FakeCalendar
from exit_pipeline_tests.simulation.faults import BY_NAME, ORDINARY, Kind, Planned
from exit_pipeline_tests.simulation.streams import stream
from exit_pipeline_tests.simulation.themes import THEMES, theme_of

BROKERS = ("alpaca", "tradier", "paper")
LIVENESS_TICKS = 6
"""After the faults, everything due is settled or escalated within so many ticks."""

_DAYS = (
    *(date(2026, 3, 16) + timedelta(days=days) for days in range(5)),
    date(2026, 3, 6),  # the next session is in summer time
    date(2026, 4, 2),  # the next session comes after Good Friday and a weekend
)
_HOLIDAYS = {date(2026, 4, 3): "Good Friday"}
_HALF_DAY = 0.12
_SEVERITIES = ((0.05, 0, 0), (0.30, 2, 6), (0.75, 7, 16), (1.0, 17, 34))
"""Share of seeds up to which a number of faults lies in a range, for a day of 72 ticks."""

_MORE_POSITIONS = 4
"""On a day with a theme positions are asked to be closed, so there are some more of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One seed's day.

    Attributes:
        seed: The seed.
        broker: Whose personality the broker has.
        theme: What goes wrong again and again; empty on an ordinary day.
        guards: Whether the broker itself refuses to close more than is held.
        calendar: With the half day, where it is one.
        sessions: The day, and the next one.
        slots: Times of the ticks with faults.
        calm_slots: Times of the ticks without, after them.
        positions: How many positions there are.
        has_adjusted: Whether one of them is in a contract that can't be decided for.
        faults: What goes wrong.
    """

    seed: int
    broker: str
    theme: str
    guards: bool
    calendar: FakeCalendar
    sessions: tuple[Session, Session]
    slots: tuple[datetime, ...]
    calm_slots: tuple[datetime, ...]
    positions: int
    has_adjusted: bool
    faults: tuple[Planned, ...]

    @property
    def ends_overnight(self) -> bool:
        """Whether the calm ticks are of the next day."""
        return self.calm_slots[0] >= self.sessions[1].opens_at


def make_plan(seed: int, ticks: int | None = None, theme: str | None = None) -> Plan:
    """The plan of a seed, of the whole day or of so many ticks of it.

    Args:
        seed: Fixes everything.
        ticks: How many; None means the whole day.
        theme: Another than the seed's own; empty makes an ordinary day of it.
    """
    chance = stream(seed, "plan")
    broker = BROKERS[seed % 3]
    day = chance.choice(_DAYS)
    closes = {day: time(13)} if chance.random() < _HALF_DAY else {}
    calendar = FakeCalendar(_HOLIDAYS, closes)
    first = calendar.session_on_or_before(day)
    second = next(filter(None, (calendar.session(day + timedelta(days=n)) for n in range(1, 9))))
    overnight = chance.random() < 0.4
    slots = list(first.ticks())
    if not overnight:
        calm = slots[-LIVENESS_TICKS:]
        slots = slots[:-LIVENESS_TICKS]
    else:
        calm = list(second.ticks())[:LIVENESS_TICKS]
    if ticks is not None:
        slots, calm = _shortened(slots, calm, ticks, overnight=overnight, at=chance.random())
    theme = theme_of(seed) if theme is None else theme
    # Who trades by hand between two looks can't be seen; only the broker's guard helps then.
    guards = chance.random() < 0.5 or theme == "hands"
    positions = chance.randint(5, 11)
    return Plan(
        seed=seed,
        broker=broker,
        theme=theme,
        guards=guards,
        calendar=calendar,
        sessions=(first, second),
        slots=tuple(slots),
        calm_slots=tuple(calm),
        positions=positions + _MORE_POSITIONS if theme else positions,
        has_adjusted=chance.random() < 0.15,
        faults=_faults(seed, broker, len(slots), guards=guards, theme=theme),
    )


def _shortened(
    slots: list[datetime], calm: list[datetime], ticks: int, *, overnight: bool, at: float
) -> tuple[list[datetime], list[datetime]]:
    if overnight:
        return slots[-ticks:], calm
    first = int(at * max(len(slots) - ticks, 0))
    after = [*slots, *calm][first + ticks :]
    return slots[first : first + ticks], after[:LIVENESS_TICKS]


def _faults(seed: int, broker: str, slots: int, *, guards: bool, theme: str) -> tuple[Planned, ...]:
    chance = stream(seed, "faults")
    number = _number_of_faults(chance, slots, theme)
    kinds = _kinds(broker, guards=guards, theme=theme)
    weights = [weight for _, weight in kinds]
    return tuple(
        Planned(
            index=index,
            kind=chance.choices([kind for kind, _ in kinds], weights)[0],
            slot=chance.randrange(slots),
            amount=chance.random(),
            pick=chance.randrange(1_000_000),
        )
        for index in range(number)
    )


def _number_of_faults(chance: Random, slots: int, theme: str) -> int:
    if theme:
        return round(slots * chance.uniform(0.3, 0.7))
    share = chance.random()
    fewest, most = next((low, high) for part, low, high in _SEVERITIES if share <= part)
    number = chance.randint(fewest, most)
    # A shortened day is as dense as a third of a whole one, so that something happens in it.
    return max(round(number * max(slots, 24) / 72), min(number, 2))


def _kinds(broker: str, *, guards: bool, theme: str) -> list[tuple[Kind, float]]:
    """What may go wrong, and how often."""
    if theme:
        themed = [(BY_NAME[name], weight) for name, weight in THEMES[theme].items()]
        return [(kind, weight) for kind, weight in themed if broker in kind.brokers]
    return [
        (kind, kind.weight)
        for kind in ORDINARY
        if broker in kind.brokers and (guards or (kind.fault_class, kind.site) != _BY_HAND)
    ]


_BY_HAND = ("person", "ledger")
