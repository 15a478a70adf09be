"""Positions, what closed them elsewhere, and the requests to close them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from exit_pipeline.core.model.closing import Evidence, Unexplained
from exit_pipeline.core.model.exit_request import ExitRequest
from exit_pipeline.core.model.holdings import Gap, HeldStep, StepTaken
from exit_pipeline.core.model.lines import PositionLine
from exit_pipeline.core.model.order import Settlement
from exit_pipeline.core.model.position import Position
from exit_pipeline.core.model.record import NewPosition, PositionMark


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

    def counted(self, broker: str, environment: str, evidence_ids: Sequence[str]) -> dict[str, int]:
        """Contracts of executions and settlements that count as of positions, by their keys."""
        ...

    def explain(self, position_id: str, evidence: Evidence) -> int:
        """Give contracts that were closed elsewhere their price; returns how many.

        Each contract of an evidence counts once, and none that is a fill of an order of ours. A
        position that ended as EXTERNAL ends as what is told.
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
