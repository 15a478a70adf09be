"""Each notifier with the server that it sends to, as the contract needs them."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from exit_pipeline.adapters.clients.smtp import MailClient, read_server
from exit_pipeline.adapters.notifiers import slack, webhook
from exit_pipeline.adapters.notifiers.log import LogNotifier
from exit_pipeline.adapters.notifiers.smtp import MailNotifier
from exit_pipeline.defs.notifiers import around, build_notifier
from exit_pipeline.ports import Notifier
from exit_pipeline_tests.fakes import NEW_YORK
from exit_pipeline_tests.receivers import HOST, PASSWORD, USER, http_receiver, mail_receiver

SECRETS = ("canary-token", "canary-pa@ss", PASSWORD)
"""What no text of ours may hold."""


@dataclass
class Way:
    """A notifier at work.

    Attributes:
        notifier: The notifier.
        arrived: The texts that have arrived, whole.
        refuse: Has the server refuse the next messages.
        fail: Has the server fail at the next messages, as one that is overloaded.
    """

    notifier: Notifier
    arrived: Callable[[], list[str]]
    refuse: Callable[[], None]
    fail: Callable[[], None]


@contextmanager
def log_way() -> Iterator[Way]:
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    logger = logging.getLogger("exit_pipeline.adapters.notifiers.log")
    handler = Keep()
    logger.addHandler(handler)
    try:
        yield Way(LogNotifier(NEW_YORK), lambda: lines, _nothing, _nothing)
    finally:
        logger.removeHandler(handler)


def _nothing() -> None:
    """A log takes everything."""


def _http(name: str, setting: str, text: Callable[[Any], str]) -> AbstractContextManager[Way]:
    @contextmanager
    def way() -> Iterator[Way]:
        with http_receiver() as receiver:

            def answers(status: int) -> Callable[[], None]:
                return lambda: setattr(receiver, "status", status)

            notifier = build_notifier(name, around({setting: receiver.url()}))
            yield Way(
                notifier,
                lambda: [text(body) for body in receiver.bodies],
                answers(422),
                answers(503),
            )

    return way()


def webhook_way() -> AbstractContextManager[Way]:
    return _http(
        "webhook",
        webhook.SETTING,
        lambda body: f"{body['title']} {' '.join(one['message'] for one in body['alerts'])}",
    )


def slack_way() -> AbstractContextManager[Way]:
    return _http("slack", slack.SETTING, lambda body: str(body["text"]))


@contextmanager
def smtp_way() -> Iterator[Way]:
    with mail_receiver() as receiver:

        def answers(text: str) -> Callable[[], None]:
            return lambda: setattr(receiver, "answer", text)

        server = read_server("X", f"smtp://{USER}:{PASSWORD}@{HOST}:{receiver.port}")
        client = MailClient(server, tls=receiver.trust)
        yield Way(
            MailNotifier(client, "desk@example.com", ["ann@example.com"], NEW_YORK),
            lambda: [f"{mail['Subject']} {mail.get_content()}" for mail, *_ in receiver.mails],
            answers("554 this is spam, says canary-token"),
            answers("451 try again later"),
        )


WAYS = {"log": log_way, "webhook": webhook_way, "slack": slack_way, "smtp": smtp_way}
