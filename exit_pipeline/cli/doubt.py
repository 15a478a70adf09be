"""What the doctor says of something that works, and had better be changed."""


class Doubt(str):
    """The answer of a check that is neither well nor a failure."""

    __slots__ = ()
