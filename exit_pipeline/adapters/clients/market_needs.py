"""``EXIT_MARKET_DATA`` with sources by need."""

from typing import Final

from exit_pipeline.core.model.errors import ConfigurationError

NEEDS: Final = ("quotes", "chains", "indices")

_EXPECTED: Final = "needs and sources such as quotes:tradier|alpaca,chains:cboe,indices:cboe"


def parse_needs(text: str) -> dict[str, tuple[str, ...]]:
    """Read the setting: the names of each need's sources, in the order in which they are asked.

    Raises:
        ConfigurationError: It is not of the form, names a need twice or not at all.

    Example: ``quotes:tradier|alpaca,indices:cboe`` asks Tradier for quotes and chains, then Alpaca.
    """
    found: dict[str, tuple[str, ...]] = {}
    for part in text.split(","):
        need, _, sources = part.strip().partition(":")
        names = tuple(name.strip() for name in sources.split("|"))
        if need not in NEEDS or need in found or not all(names) or "composite" in names:
            message = f"EXIT_MARKET_DATA is {text!r}; expected {_EXPECTED}"
            raise ConfigurationError(message)
        found[need] = tuple(dict.fromkeys(names))
    if "quotes" not in found:
        message = f"EXIT_MARKET_DATA is {text!r}, which has no quotes; expected {_EXPECTED}"
        raise ConfigurationError(message)
    return {need: found.get(need, found["quotes"]) for need in NEEDS}
