"""Find the few faults of a failed seed that it takes to fail."""

from collections.abc import Callable, Collection, Sequence

Fails = Callable[[Collection[int]], bool]


def shrink(indices: Sequence[int], fails: Fails, most_runs: int = 40) -> list[int]:
    """A small set of faults with which a seed still fails (Zeller's delta debugging, bounded).

    Args:
        indices: Numbers of the faults that struck.
        fails: Whether the seed fails with these faults and no others.
        most_runs: After so many runs what is left is returned.

    Example: of faults 1 to 8, where 3 and 7 together make it fail, ``[3, 7]`` is left.
    """
    left, parts, runs = list(indices), 2, 0
    if not left or fails(()):
        return []
    while len(left) > 1 and runs < most_runs:
        size = -(-len(left) // parts)
        chunks = [left[start : start + size] for start in range(0, len(left), size)]
        for chunk in chunks:
            rest = [one for one in left if one not in chunk]
            runs += 1
            if fails(rest):
                left, parts = rest, max(parts - 1, 2)
                break
            if runs >= most_runs:
                break
        else:
            if parts >= len(left):
                break
            parts = min(parts * 2, len(left))
    return left
