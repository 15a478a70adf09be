"""Who gives a command, for what is kept with a name."""

import os
import pwd


def who() -> str:
    """The operating system's name of the user; its number where there is none, as in containers.

    From the user's id and not from variables such as ``USER``, which anybody can set.
    """
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid {number}"
