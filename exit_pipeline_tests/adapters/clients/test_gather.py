from threading import Barrier, Event

import pytest

from exit_pipeline.adapters.clients.gather import gather
from exit_pipeline.core.model.errors import InputError, UnavailableError


def test_answers_come_in_the_order_of_the_jobs():
    assert gather([lambda: 1, lambda: 2, lambda: 3], seconds=10) == [1, 2, 3]


def test_jobs_run_side_by_side():
    together = Barrier(3, timeout=10)

    assert sorted(gather([together.wait] * 3, seconds=10)) == [0, 1, 2]


def test_an_error_for_a_person_takes_the_place_of_its_answer():
    def fail() -> int:
        message = "no such thing"
        raise InputError(message)

    first, second = gather([fail, lambda: 2], seconds=10)
    assert isinstance(first, InputError)
    assert second == 2


def test_a_fault_of_the_program_is_raised():
    with pytest.raises(ZeroDivisionError):
        gather([lambda: 1 // 0], seconds=10)


def test_what_takes_too_long_is_no_answer_and_what_waits_for_it_is_not_begun():
    done, begun = Event(), []
    jobs = [done.wait, lambda: begun.append(1)]
    try:
        answers = gather(jobs, seconds=0.1, workers=1)
    finally:
        done.set()
    assert [type(answer) for answer in answers] == [UnavailableError, UnavailableError]
    assert str(answers[0]) == "no answer within 0.1 seconds"
    assert begun == []


def test_nothing_asked_is_nothing_answered():
    assert gather([], seconds=0) == []
