"""Shares of a position in whole contracts."""

from exit_pipeline.core.model.book import IntColumn
from exit_pipeline.core.model.stop_price import WHOLE


def contracts_of_share(quantity: IntColumn, hundredths: int) -> IntColumn:
    """Contracts of a share of the contracts opened: rounded down, at least 1.

    Args:
        quantity: Contracts opened.
        hundredths: The share in 1/100 percent.

    Example: 50 % of 5 contracts are 2, and 50 % of 1 contract is 1.
    """
    contracts: IntColumn = quantity * hundredths // WHOLE
    contracts[contracts < 1] = 1
    return contracts
