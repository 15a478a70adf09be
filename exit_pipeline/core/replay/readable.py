"""The recorded decisions whose policies this version can read, and these policies."""

from collections import Counter
from dataclasses import replace
from functools import lru_cache

import numpy as np

from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.engine.stored_policy import policy_from_json
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.recorded import RecordedDecisions


def readable(
    recorded: RecordedDecisions,
) -> tuple[RecordedDecisions, list[Policy], dict[str, int]]:
    """The decisions whose policies can be read, those policies, and how many others there are.

    Returns:
        The decisions, whose ``book.policy`` indexes the policies beside them; and how many have a
        policy that this version can't read, by the sentence that says so.
    """
    policies: list[Policy] = []
    index = np.full(len(recorded.policies), -1, np.int16)
    unread: Counter[str] = Counter()
    for number, kept in enumerate(recorded.policies):
        try:
            policies.append(read_policy(kept.text))
            index[number] = len(policies) - 1
        except InputError as error:
            unread[str(error)] += int((recorded.book.policy == number).sum())
    if not unread:
        return recorded, policies, {}
    kept_rows = recorded.take(np.flatnonzero(index[recorded.book.policy] >= 0))
    book = replace(kept_rows.book, policy=index[kept_rows.book.policy])
    return replace(kept_rows, book=book, left_out=recorded.left_out), policies, unread


@lru_cache(maxsize=256)
def read_policy(text: str) -> Policy:
    """A policy as it is kept; the same text is read once.

    Raises:
        InputError: This version can't read it.
    """
    # A year has few policies, and a day of it asks for the same ones again.
    return policy_from_json(text)
