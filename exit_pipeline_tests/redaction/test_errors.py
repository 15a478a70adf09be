"""Errors without secrets."""

import traceback
from collections.abc import Iterator

import pytest
from pydantic import BaseModel, ValidationError

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.redaction import MARK, UnsaidError, scrub
from exit_pipeline.redaction.texts import Redactor, use

CANARY = "canary-of-the-tests"


@pytest.fixture(autouse=True)
def _known() -> Iterator[None]:
    use(Redactor({"SOME_SECRET": CANARY}))
    yield
    use(Redactor({}))


def told(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise error from cause
    except BaseException as caught:
        return caught


class CarryingError(Exception):
    """An error that tells what it carries."""

    def __init__(self, carried: object) -> None:
        super().__init__("carrying")
        self.carried = carried

    def __str__(self) -> str:
        return f"carries {self.carried}"


def with_context() -> BaseException:
    try:
        try:
            raise KeyError(CANARY)
        except KeyError:
            raise ValueError from None
    except ValueError as error:
        return error


def with_note() -> BaseException:
    error = ValueError("noted")
    error.add_note(f"the key was {CANARY}")
    return error


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ValueError(f"a {CANARY} b"), id="its text"),
        pytest.param(InputError(f"a {CANARY} b"), id="a sentence of ours"),
        pytest.param(ValueError(["x", (CANARY,)]), id="inside of an argument"),
        pytest.param(FileNotFoundError(2, "no such file", f"/tmp/{CANARY}"), id="a file's name"),  # noqa: S108
        pytest.param(CarryingError(CANARY), id="an attribute"),
        pytest.param(CarryingError(ValueError(CANARY)), id="an error that it carries"),
        pytest.param(raised(ValueError("x"), RuntimeError(CANARY)), id="its cause"),
        pytest.param(with_context(), id="a context that is not told"),
        pytest.param(with_note(), id="a note"),
        pytest.param(ExceptionGroup("x", [ValueError(CANARY)]), id="a member of a group"),
    ],
)
def test_an_error_stays_the_same_one_without_the_secret(error: BaseException) -> None:
    assert scrub(error) is error
    assert CANARY not in told(error)
    assert CANARY not in repr(vars(error))


class Form(BaseModel):
    """What pydantic checks; it tells the value that it refuses."""

    count: int


def test_an_error_that_can_not_be_changed_is_stood_for_by_one_that_says_the_same() -> None:
    with pytest.raises(ValidationError) as caught:
        Form.model_validate({"count": CANARY})
    clean = scrub(caught.value)
    assert isinstance(clean, UnsaidError)
    assert CANARY not in told(clean)
    assert "count" in str(clean)
    assert MARK in str(clean)


def test_an_error_whose_text_can_not_be_made_is_let_through() -> None:
    class UntoldError(Exception):
        def __str__(self) -> str:
            raise ValueError(CANARY)

    error = UntoldError()
    assert scrub(error) is error


def test_an_error_that_was_raised_from_itself_ends() -> None:
    one, other = ValueError(CANARY), ValueError("b")
    one.__cause__, other.__cause__ = other, one
    scrub(one)
    assert CANARY not in str(one)


def test_an_error_without_a_secret_is_not_touched() -> None:
    carried = ["a", "b"]
    error = CarryingError(carried)
    assert scrub(error) is error
    assert error.carried is carried
