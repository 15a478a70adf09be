"""Recorded decisions whose policies can be read."""

from dataclasses import replace

import numpy as np
import pytest

from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.recorded import RecordedDecisions, RecordedPolicy, RecordedRun
from exit_pipeline.core.replay.made_outcome import made_outcome
from exit_pipeline.core.replay.readable import read_policy, readable
from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.builders import a_book

DEFAULT, OTHER = parse_policy(), parse_policy("stop_loss.percent=20")


def recorded(*texts):
    book = a_book({}, {"policy": 1}, {"policy": 1}, {})
    policies = [DEFAULT, OTHER]
    run = RecordedRun(id="r", environment="paper", account="a", mode="live", dry_run=False,
                      code_version="v1")  # fmt: skip
    return RecordedDecisions(
        book=book,
        outcome=made_outcome(decide(book, policies), policies, book.policy),
        ids=np.array([b"0", b"1", b"2", b"3"]),
        positions=np.array([b"p"] * 4),
        run=np.zeros(4, np.int32),
        runs=[run],
        policies=[RecordedPolicy(hash=str(n), text=text) for n, text in enumerate(texts)],
        left_out={"old": 1},
    )


def test_policies_that_can_be_read_leave_all_as_it_is():
    found = recorded(DEFAULT.canonical_json(), OTHER.canonical_json())
    assert readable(found) == (found, [DEFAULT, OTHER], {})


def test_decisions_of_a_policy_that_can_t_be_read_are_counted_and_left_out():
    found, policies, unread = readable(recorded("{}", OTHER.canonical_json()))
    assert policies == [OTHER]
    assert found.ids.tolist() == [b"1", b"2"]
    assert found.book.policy.tolist() == [0, 0]
    assert found.left_out == {"old": 1}
    ((sentence, count),) = unread.items()
    assert sentence.startswith("a stored policy can't be read")
    assert count == 2


def test_a_text_that_is_no_policy_is_refused_each_time():
    for _ in range(2):
        with pytest.raises(InputError, match="can't be read"):
            read_policy("[]")


def test_nothing_recorded_has_nothing_to_read():
    nothing = recorded(DEFAULT.canonical_json(), OTHER.canonical_json()).take(np.zeros(0, np.intp))
    found, policies, unread = readable(replace(nothing, policies=[]))
    assert (len(found), policies, unread) == (0, [], {})
