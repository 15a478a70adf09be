"""Which of Alpaca's feeds of options is used."""

from typing import Final

from exit_pipeline.core.model.errors import ConfigurationError
from exit_pipeline.ports import Surroundings

PLAN: Final = "Alpaca's plan Algo Trader Plus and its signed OPRA agreement"


def options_feed(around: Surroundings) -> str:
    """``opra``, or ``indicative`` where its modified quotes can touch no real order.

    Raises:
        ConfigurationError: It is another word, or ``indicative`` outside the paper environment of
            Alpaca or of this project.
    """
    feed = (around.environ.get("ALPACA_OPTIONS_FEED") or "opra").strip().lower()
    if feed not in {"opra", "indicative"}:
        message = f"ALPACA_OPTIONS_FEED is {feed!r}; expected opra or indicative"
        raise ConfigurationError(message)
    if feed == "indicative" and not is_alpaca_paper(around):
        broker = around.environ.get("EXIT_BROKER") or "paper"
        message = (
            f"ALPACA_OPTIONS_FEED is 'indicative' for the broker {broker} in the environment "
            f"{around.environment}, and its quotes are modified; expected opra, which needs {PLAN}"
        )
        raise ConfigurationError(message)
    return feed


def is_alpaca_paper(around: Surroundings) -> bool:
    """Whether orders, if any, go to a paper account of Alpaca or of this project."""
    broker = around.environ.get("EXIT_BROKER") or "paper"
    return around.environment == "paper" and broker in {"alpaca", "paper"}
