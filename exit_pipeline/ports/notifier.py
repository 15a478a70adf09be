"""Who carries alerts to people."""

from typing import Protocol, runtime_checkable

from exit_pipeline.core.model.errors import ExitPipelineError
from exit_pipeline.core.model.notice import Notice


class NoticeRefusedError(ExitPipelineError):
    """A message was read and refused: another one may be taken, the same one hardly ever."""


@runtime_checkable
class Notifier(Protocol):
    """One way to people. No text that it raises or logs holds a secret.

    Attributes:
        name: Of its module, such as ``slack``; what was told is kept under it.
    """

    name: str

    def send(self, notice: Notice) -> None:
        """Hand a message over; whoever takes it answers for the rest.

        It comes back within some seconds, whatever is at the other end.

        Raises:
            UnavailableError: It was not taken, nor would any other be now.
            ConfigurationError: It can't be sent as this notifier is set up.
            NoticeRefusedError: This one was refused.
        """
        ...
