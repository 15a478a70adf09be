"""Independent streams of chance, all from one seed.

Each use has a stream of its own by name, so that switching one fault off leaves the market, the
positions and every other fault as they were; without that, faults could not be shrunk.
"""

from random import Random


def stream(seed: int, name: str) -> Random:
    return Random(f"{seed}/{name}")  # noqa: S311 a simulation, no secret
