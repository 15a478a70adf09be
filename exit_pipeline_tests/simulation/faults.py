"""What can go wrong, by name and class."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from exit_pipeline_tests.simulation.feed import QUOTE_FAULTS

HTTP: Final = frozenset({"alpaca", "tradier"})
EVERY: Final = HTTP | {"paper"}
ALPACA: Final = frozenset({"alpaca"})
TRADIER: Final = frozenset({"tradier"})

_STATUSES: Final = ("408", "429", "500", "502", "503", "504")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One way in which something goes wrong.

    Attributes:
        name: Such as ``post_lost_response``.
        fault_class: ``broker``, ``market``, ``database``, ``process`` or ``person``.
        site: Where it strikes: ``wire``, ``manner``, ``ledger``, ``feed``, ``session``, ``point``,
            ``schedule``, ``patience``, ``clock``, ``switch`` or ``request``.
        what: What happens there.
        target: Of a wire fault, the request that it strikes; of one at a point, which points.
        brokers: Where it can happen.
        weight: How often, compared with the others.
    """

    name: str
    fault_class: str
    site: str
    what: str
    target: str = ""
    brokers: frozenset[str] = EVERY
    weight: float = 1.0


def _wire(
    target: str, whats: Iterable[str], brokers: frozenset[str] = HTTP, weight: float = 1.0
) -> list[Kind]:
    return [
        Kind(
            name=f"{target}_{what}",
            fault_class="broker",
            site="wire",
            what=what,
            target=target,
            brokers=brokers,
            weight=weight,
        )
        for what in whats
    ]


def _group(
    fault_class: str,
    site: str,
    whats: Iterable[str],
    brokers: frozenset[str] = EVERY,
    weight: float = 1.0,
) -> list[Kind]:
    return [
        Kind(
            name=what,
            fault_class=fault_class,
            site=site,
            what=what,
            brokers=brokers,
            weight=weight,
        )
        for what in whats
    ]


def _points(what: str, targets: Iterable[str], weight: float) -> list[Kind]:
    return [
        Kind(
            name=f"{what}_{target}",
            fault_class="process",
            site="point",
            what=what,
            target=target,
            weight=weight,
        )
        for target in targets
    ]


_WORDLESS: Final = [f"status_{status}" for status in _STATUSES]
_SPOILT: Final = ("html", "truncated", "empty")

ORDINARY: Final[tuple[Kind, ...]] = (
    *_wire("post", ("lost_request", "lost_response"), EVERY, 3),
    *_wire("post", ("late_arrival",), HTTP, 3),
    *_wire("post", ("duplicate_delivery",), TRADIER, 1),
    *_wire("post", ("refused", "says_200_with_errors", *_WORDLESS, *_SPOILT), HTTP, 0.6),
    *_wire("cancel", ("lost_request", "lost_response"), EVERY, 1.5),
    *_wire("cancel", ("too_late", "status_429", "status_500", "html"), HTTP, 1),
    *_wire("look", ("lost_response",), EVERY, 1.5),
    *_wire("look", ("status_429", "status_500", "html", "truncated", "empty"), HTTP, 0.6),
    *_wire("positions", ("lost_response",), EVERY, 1.5),
    *_wire("positions", ("none", "some", "of_before"), HTTP, 1),
    *_wire("activities", ("lost_response",), ALPACA, 0.7),
    *_wire("any", ("wrong_key",), HTTP, 0.7),
    *_group("broker", "manner", ("visibility_lag",), HTTP, 2),
    *_group("broker", "manner", ("filled_before_price", "unknown_status"), HTTP, 1),
    *_group("broker", "manner", ("cancel_not_confirmed",), HTTP, 2),
    *_group("broker", "manner", ("answers_before_matching",), ALPACA, 1),
    *_group("broker", "manner", ("numbers_instead_of_texts",), ALPACA, 0.3),
    *_group("broker", "manner", ("rejected_after_taken", "pages_of_two"), TRADIER, 0.7),
    *_group("broker", "ledger", ("partial_then_cancel", "late_fill_after_cancel"), HTTP, 2),
    *_group("broker", "ledger", ("rejected_while_working",), HTTP, 0.7),
    *_group("person", "ledger", ("closed_by_hand", "order_by_hand"), EVERY, 1),
    *_group("market", "feed", QUOTE_FAULTS, weight=0.5),
    *_group("market", "feed", ("feed_down", "feed_stands_still", "vix_missing", "halt")),
    *_group("database", "session", ("commit_unseen",), weight=2),
    *_group("database", "session", ("killed_before_commit", "killed_in_statement")),
    *_group("database", "session", ("deadlock", "serialization_failure", "lock_timeout")),
    *_points("crash", ("anywhere", "money"), 3),
    *_points("freeze", ("anywhere", "money"), 1.5),
    *_points("second_engine", ("anywhere", "money"), 1.5),
    *_group("process", "schedule", ("late_tick", "burst", "manual_launch", "dry_run")),
    *_group("process", "schedule", ("filtered_launch",)),
    *_group("process", "patience", ("impatient_launches",), weight=2),
    *_group("process", "clock", ("clock_ahead", "clock_behind"), weight=0.7),
    *_group("person", "switch", ("halt_new", "cancel_all", "frozen_switch"), weight=0.5),
)
"""Those of an ordinary day."""

OF_THEMES: Final[tuple[Kind, ...]] = (
    *_wire("look", ("of_before",)),
    *_group("broker", "manner", ("hides_filled", "shared_limit"), HTTP),
    *_group("market", "feed", ("untraded",), HTTP),
    *_points("freeze", ("posting",), 1),
    *_points("pause", ("deciding",), 1),
    *_group("person", "request", ("force_close",)),
)
"""Those that only days with a theme have (``themes``)."""

KINDS: Final = (*ORDINARY, *OF_THEMES)
"""Every fault there is."""

BY_NAME: Final = {kind.name: kind for kind in KINDS}


@dataclass(frozen=True, slots=True)
class Planned:
    """One fault of a seed.

    Attributes:
        index: Its number, by which it can be switched off.
        kind: What it is.
        slot: The tick from which on it may strike.
        amount: How much, from 0 to 1: how late, how long, how many.
        pick: Which of several, a large number.
    """

    index: int
    kind: Kind
    slot: int
    amount: float
    pick: int

    def __str__(self) -> str:
        return f"#{self.index} {self.kind.name} from tick {self.slot} ({self.amount:.2f})"
