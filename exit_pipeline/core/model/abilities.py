"""What a broker can do by itself for a position in options."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAbilities:
    """Orders on options that could rest at a broker and close a position while nobody looks.

    Attributes:
        stop_orders: It takes stop orders on options.
        good_till_cancelled: It takes orders on options that outlive the day.
    """

    stop_orders: bool
    good_till_cancelled: bool
