"""Requests to Alpaca for many symbols, of which it may refuse one."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from exit_pipeline.adapters.clients.http import Refused

_MOST_SPLITS: Final = 16
"""Requests that are spent on finding the one symbol in a hundred that Alpaca refuses: 14."""

_SYMBOL_REFUSED: Final = frozenset({400, 422})


def without_refused(
    ask: Callable[[Sequence[str]], dict[str, Any]], symbols: Sequence[str]
) -> dict[str, Any]:
    """What is answered, though one symbol among many may make Alpaca refuse the whole request.

    The refused list is halved until the symbol stands alone; it is then absent.
    """
    found: dict[str, Any] = {}
    waiting, splits = [symbols], 0
    while waiting:
        part = waiting.pop()
        try:
            found |= ask(part)
        except Refused as error:
            if error.status not in _SYMBOL_REFUSED or splits >= _MOST_SPLITS:
                raise
            if len(part) > 1:
                splits += 2
                waiting += [part[: len(part) // 2], part[len(part) // 2 :]]
    return found
