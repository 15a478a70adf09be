"""Timeframes of strategies and signals, which every program writes in its own way."""

import re
from typing import Final

_MONTHS: Final = re.compile(r"(\d{0,6})\s*(?:M|mo|mon|month|months)", re.ASCII)
_SPAN: Final = re.compile(r"(\d{0,6})\s*([a-z]*)", re.ASCII)
_MINUTES: Final = {
    **dict.fromkeys(["", "m", "min", "mins", "minute", "minutes"], 1),
    **dict.fromkeys(["h", "hr", "hrs", "hour", "hours"], 60),
}
_LONGER: Final = {
    **dict.fromkeys(["d", "day", "days", "daily"], "d"),
    **dict.fromkeys(["w", "wk", "week", "weeks", "weekly"], "w"),
}
_CHARTED_MONTHS: Final = {"", "1", "3", "6", "12"}


def normalise_timeframe(text: str | None) -> str | None:
    """One spelling for each timeframe, so that equal ones compare as equal; None if not known.

    A bare number is minutes, as charting programs write them; ``1m`` is a minute and ``1M`` a
    month, while ``15M``, which no chart has, is 15 minutes. Another text stays as it is, in small
    letters.

    Example: ``15``, ``15m`` and ``15 min`` are ``15m``; ``60`` and ``1h`` are ``60m``; ``D`` and
    ``1d`` are ``1d``.
    """
    word = (text or "").strip()
    months = _MONTHS.fullmatch(word)
    if months and months[1] in _CHARTED_MONTHS:
        return f"{int(months[1] or 1)}M"
    span = _SPAN.fullmatch(word.lower())
    if not word or not span:
        return word.lower() or None
    count, unit = int(span[1] or 1), span[2]
    if unit in _MINUTES:
        return f"{count * _MINUTES[unit]}m"
    return f"{count}{_LONGER[unit]}" if unit in _LONGER else word.lower()
