"""Named policies: the YAML files of this package, and those of a user's own folder.

A file's name is the policy's name. Its form, of which every part may be left out::

    description: What it is for, and where its numbers come from.
    based_on: default                  # where it is not said, default
    rules:
      stop_loss: {percent: 25}         # on, with this threshold
      gex_flip: off
    quotes: {wide_percent: 20}
    prices: {collar_ticks: 3}

What a file does not state comes from the policy that it is based on, so that no policy loses
FORCE_CLOSE or EXPIRY by leaving them out.
"""

from exit_pipeline.policies.library import (
    load_policies,
    parse_policy,
    refuse_faults,
    shipped_policies,
    with_policy_file,
)

__all__ = [
    "load_policies",
    "parse_policy",
    "refuse_faults",
    "shipped_policies",
    "with_policy_file",
]
