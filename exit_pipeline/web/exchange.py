"""A request as the routes see it, and what they answer: free of any framework."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from exit_pipeline.web.desk import Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request that was let through.

    Attributes:
        desk: What it may work with.
        query: The values of each parameter, by name; only parameters that the operation knows.
        body: The body, read to its end.
        caller: Who asks, for what is kept with a name, such as ``HTTP from 127.0.0.1``.
    """

    desk: Desk
    query: Mapping[str, Sequence[str]] = field(default_factory=dict)
    body: bytes = b""
    caller: str = "HTTP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer.

    Attributes:
        value: Of the type that the operation states for the status; text where `media_type` is
            given.
        status: HTTP status.
        media_type: Where it is not JSON.
    """

    value: Any
    status: int = 200
    media_type: str | None = None


class HttpError(Exception):
    """A request that is not answered as asked.

    Attributes:
        status: HTTP status.
        sentence: What is wrong, for a person.
        details: What a program should know beside, such as a run's id.
        headers: Of the answer.
    """

    def __init__(
        self,
        status: int,
        sentence: str,
        *,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.details = details or {}
        self.headers = headers or {}
