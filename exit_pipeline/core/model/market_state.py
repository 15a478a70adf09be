"""The words for the state of a market; their numbers are the codes of columns."""

from enum import IntEnum


class VixBand(IntEnum):
    """Level of the VIX, from calm to panic."""

    CALM = 0
    NORMAL = 1
    ELEVATED = 2
    STRESSED = 3
    PANIC = 4


class TermStructure(IntEnum):
    """Near volatility against far: CONTANGO is the usual state, BACKWARDATION that of stress."""

    CONTANGO = 0
    BACKWARDATION = 1


class Trend(IntEnum):
    """Direction of a market, NEUTRAL where there is none; the sign of what gains from it."""

    BEARISH = -1
    NEUTRAL = 0
    BULLISH = 1


class Regime(IntEnum):
    """How much movement is to be expected, in the words of the users' own snapshots."""

    LOW_VOL = 1
    NORMAL = 2
    HIGH_VOL = 3
