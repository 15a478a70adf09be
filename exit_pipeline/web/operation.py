"""An operation as it is declared: how it is asked for, what it answers, and who may ask."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from exit_pipeline.web.exchange import Answer, Ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of the query.

    Attributes:
        name: As it is written.
        description: What it does, and its default.
        schema: JSON Schema of its value.
        many: It may be given several times.
    """

    name: str
    description: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    many: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorAnswer:
    """What is wrong, in one sentence."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnexpectedAnswer:
    """An error of the program: nothing of it is told but a reference, which its log has too."""

    error: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An operation.

    Attributes:
        method: GET or POST.
        path: Such as ``/health``.
        handle: Answers a request.
        summary: One line.
        description: What else a caller should know.
        parameters: Of the query; any other is refused.
        body: What a JSON body holds; None where no body is taken.
        answers: Type of the answer by status, without the errors that any operation may give.
        media_type: Of the answer, where it is not JSON.
        needs_token: Only callers with the token may ask.
        waits: Answering waits for something, such as the database, and so is done in a thread.
    """

    method: str
    path: str
    handle: Callable[[Ask], Answer]
    summary: str
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    body: type[BaseModel] | None = None
    answers: Mapping[int, Any]
    media_type: str | None = None
    needs_token: bool = True
    waits: bool = True
