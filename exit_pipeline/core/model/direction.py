"""A view on an underlying."""

from enum import IntEnum


class Direction(IntEnum):
    """A view on the underlying: CALL gains when it rises, PUT when it falls."""

    CALL = 1
    NONE = 0
    PUT = -1
