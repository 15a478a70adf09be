"""What an exit's fill cost against the market that it was decided on."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Self

from exit_pipeline.core.model.contract import SHARES_PER_CONTRACT
from exit_pipeline.core.model.order import OrderSide

_HALF: Final = Decimal("0.5")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slippage:
    """How far a fill was from the mid of its decision; above zero where it was worse.

    The mid at the decision is the arrival price of implementation shortfall (Perold, "The
    implementation shortfall: paper versus reality", Journal of Portfolio Management 14(3), 1988),
    without commission and fees, which are kept with each fill.

    Attributes:
        dollars: For all contracts that filled.
        spread_dollars: What the whole spread of the decision was worth for those contracts.
    """

    dollars: Decimal
    spread_dollars: Decimal

    @classmethod
    def of(
        cls,
        side: OrderSide,
        bid: Decimal | None,
        ask: Decimal | None,
        price: Decimal | None,
        contracts: int,
    ) -> Self | None:
        """The slippage of a fill; None without a fill, or without both sides of the quote.

        Args:
            side: The closing leg: a sale slips by what it brings below the mid, a purchase by what
                it costs above.
            bid: At the decision, dollars per share; likewise ask.
            ask: None where it was not known.
            price: Average of the fills, dollars per share.
            contracts: How many filled.

        Example: 3 sold at 4.80, decided at 4.75 to 5.00: 0.075 x 300 shares are 22.50 dollars of a
        spread worth 75.00, which is 30 %.
        """
        if bid is None or ask is None or price is None or contracts <= 0:
            return None
        worse = (bid + ask) * _HALF - price
        if side is OrderSide.BUY_TO_CLOSE:
            worse = -worse
        shares = contracts * SHARES_PER_CONTRACT
        return cls(dollars=worse * shares, spread_dollars=(ask - bid) * shares)

    def __add__(self, other: "Slippage") -> "Slippage":
        return Slippage(
            dollars=self.dollars + other.dollars,
            spread_dollars=self.spread_dollars + other.spread_dollars,
        )

    @property
    def of_spread(self) -> float | None:
        """Percent of the spread at the decision: 0 at the mid, 50 at the side that closing hits.

        None where the quote had no spread, as a locked one, of which nothing is a share.
        """
        if self.spread_dollars <= 0:
            return None
        return 100 * float(self.dollars / self.spread_dollars)
