"""Work out how the rows of an account are brought in step with what its broker holds.

Contracts are compared by symbol and signed, long above zero and short below. Managed rows stand for
contracts that the order protocol answers for, so no import changes one; what is held beyond them
belongs to an unmanaged row of the symbol, which is set to what the broker says.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from exit_pipeline.core.model.contract import OptionContract, parse_contract
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.holdings import HeldStep, Resized
from exit_pipeline.core.model.order import HeldPosition
from exit_pipeline.core.model.position import Position, PositionSide
from exit_pipeline.core.model.price import say_dollars
from exit_pipeline.core.model.record import Alert, NewPosition

_UNIT: Final = Decimal(1).scaleb(-4)  # prices are kept with four decimals


@dataclass(slots=True)
class Plan:
    """What is to be done, and what a person should know of it.

    Attributes:
        step: What changes.
        notes: One sentence for each row that is there and changes.
        alerts: What can't be brought in step.
    """

    step: HeldStep
    notes: list[str] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)


def plan_step(
    now: HeldStep, held: Sequence[HeldPosition], is_settling: Callable[[OptionContract], bool]
) -> Plan:
    """Compare every symbol that is held or has rows; shares and whatever else are left out.

    - More is held than the rows have: the difference is the unmanaged row's, a new one where there
      is none. It is priced at the broker's average over all that is held of the symbol, and entered
      when the broker says, else at ``now.at``. Without an average there is no new row.
    - Less is held: unmanaged rows shrink, and are gone when nothing is left. What is missing beyond
      them is missing of managed rows: an alert. Contracts in live orders may have left the account
      by fills that are not booked yet, so they count as missing nowhere.
    - Held on the other side than the rows: an alert.

    Example: of 5 held, 2 are managed and 1 is not; the unmanaged row becomes 3. Of 1 held then, the
    unmanaged row is gone, and of the 2 managed ones 1 is missing.

    Args:
        now: The account, its open rows and the time; it changes nothing yet.
        held: What the broker says.
        is_settling: Whether a contract has ended and its settlement may still be told: how it ended
            is then reconciliation's matter, and it is not compared.
    """
    rows: dict[str, list[Position]] = defaultdict(list)
    for position in now.basis:
        if position.contract is not None:
            rows[position.contract.symbol].append(position)
    told = {one.symbol: one for one in held if one.quantity and _is_option(one.symbol)}
    plan = Plan(now)
    for symbol in sorted(rows.keys() | told.keys()):
        if not is_settling(parse_contract(symbol)):
            _Comparison(plan, symbol, rows[symbol], told.get(symbol)).make()
    return plan


def base_id(broker: str, account: str, symbol: str) -> str:
    """The id of an imported row in its first life, and the subject of alerts about the symbol.

    Example: ``alpaca-PA3XYZ-ACME260417C00100000``.
    """
    return f"{broker}-{account}-{symbol}"


@dataclass(frozen=True, slots=True)
class _Comparison:
    """One symbol: its rows against what is held of it, if anything."""

    plan: Plan
    symbol: str
    rows: Sequence[Position]
    told: HeldPosition | None

    def make(self) -> None:
        """Add to the plan what follows."""
        held = self.told.quantity if self.told else 0
        total = sum(map(_signed, self.rows))
        if held * total < 0:
            self._alert(
                "HELD_DIFFERS",
                f"{_say(held)} of {self.symbol} are held in account {self.plan.step.account} where "
                f"its open positions are {_say(total)}; nothing was changed",
                is_critical=any(row.managed for row in self.rows),
            )
            return
        surplus = abs(held) - abs(total)
        mirrors = [
            row for row in self.rows if not row.managed and _signed(row) * (held or total) > 0
        ]
        if surplus > 0 and not mirrors and self.told:
            self._add(self.told, surplus)
            return
        missing = max(0, -surplus - sum(row.reserved_quantity for row in self.rows))
        for row in mirrors:
            taken = min(row.open_quantity, missing)
            missing -= taken
            self._set(row, row.open_quantity - taken + max(0, surplus))
            surplus = 0
        if missing:
            managed = sum(row.open_quantity for row in self.rows if row.managed)
            self._alert(
                "HELD_DIFFERS",
                f"{_say(held)} of {self.symbol} are held in account {self.plan.step.account} and "
                f"{managed} are managed",
                is_critical=True,
            )

    def _add(self, told: HeldPosition, contracts: int) -> None:
        step, price = self.plan.step, _price(told)
        side = PositionSide.LONG if told.quantity > 0 else PositionSide.SHORT
        if price is None:
            self._alert(
                "ENTRY_PRICE_UNKNOWN",
                f"{side.value} {contracts} of {self.symbol} in account {step.account} can't be "
                f"imported, since the broker tells no entry price; import it as a CSV "
                f"(exit-pipeline positions import FILE.csv)",
                is_critical=False,
            )
            return
        new = NewPosition(
            id=base_id(step.broker, step.account, self.symbol),
            symbol=self.symbol,
            side=side.value,
            quantity=contracts,
            entry_price=price,
            entry_time=told.acquired_at or step.at,
            account=step.account,
            broker=step.broker,
            environment=step.environment,
            imported_at=step.at,
        )
        self.plan.step = replace(step, added=[*step.added, new])

    def _set(self, row: Position, contracts: int) -> None:
        """Set an unmanaged row to so many contracts, at the broker's price where it tells one."""
        step = self.plan.step
        if not contracts:
            self.plan.step = replace(step, gone=[*step.gone, row.id])
            self.plan.notes.append(f"{row.id}: nothing of it is held any more; closed as EXTERNAL")
            return
        price = (self.told and _price(self.told)) or row.entry_price
        said = []
        if contracts != row.open_quantity:
            said.append(f"{row.open_quantity} contracts are now {contracts}")
        if price != row.entry_price:
            said.append(f"entry price {say_dollars(row.entry_price)} is now {say_dollars(price)}")
        if said:
            changed = Resized(position_id=row.id, quantity=contracts, entry_price=price)
            self.plan.step = replace(step, resized=[*step.resized, changed])
            self.plan.notes.append(f"{row.id}: {' and '.join(said)}")

    def _alert(self, cause: str, message: str, *, is_critical: bool) -> None:
        step = self.plan.step
        self.plan.alerts.append(
            Alert(
                severity="CRITICAL" if is_critical else "WARNING",
                cause=cause,
                subject=base_id(step.broker, step.account, self.symbol),
                message=message,
            )
        )


def with_entries(step: HeldStep, entered: Mapping[str, datetime]) -> HeldStep:
    """The step with the times at which new holdings were opened, by symbol, as far as known."""
    added = [replace(new, entry_time=entered.get(new.symbol, new.entry_time)) for new in step.added]
    return replace(step, added=added)


def _is_option(symbol: str) -> bool:
    try:
        return parse_contract(symbol).strike > 0
    except InputError:
        return False


def _price(told: HeldPosition) -> Decimal | None:
    price = told.average_price.quantize(_UNIT, ROUND_HALF_UP)
    return price if price > 0 else None


def _signed(row: Position) -> int:
    return row.open_quantity if row.side is PositionSide.LONG else -row.open_quantity


def _say(contracts: int) -> str:
    return f"{abs(contracts)} {'SHORT' if contracts < 0 else 'LONG'}" if contracts else "none"
