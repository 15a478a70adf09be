"""The notifiers as they are configured; a wrong one tells nobody, and that is told."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from exit_pipeline.core.model.errors import ConfigurationError
from exit_pipeline.core.model.notice import Notice, NoticePace
from exit_pipeline.defs.resources import find_adapter, make_calendar, make_clock
from exit_pipeline.ports import Notifier, Surroundings
from exit_pipeline.settings import NotifySettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifying:
    """Who is told of alerts, and how often.

    Attributes:
        notifiers: Each in its turn.
        pace: How often.
        fault: Why the settings can't be read, so that alerts go to the log alone; empty if they
            can.
    """

    notifiers: Sequence[Notifier]
    pace: NoticePace
    fault: str = ""


class UnusableNotifier:
    """Stands for a notifier that can't be built: whatever is sent through it fails, and says why.

    Args:
        name: Its name.
        error: Why.
    """

    def __init__(self, name: str, error: ConfigurationError) -> None:
        self.name = name
        self._error = error

    def send(self, notice: Notice) -> None:  # noqa: ARG002 it can't send any
        """Fail.

        Raises:
            ConfigurationError: Always.
        """
        raise ConfigurationError(str(self._error))


class NotifyingResource(dg.ConfigurableResource[Notifying]):
    """Who is told of alerts: ``EXIT_NOTIFY`` and the settings of each notifier."""

    def create_resource(self, context: dg.InitResourceContext) -> Notifying:  # noqa: ARG002
        """The notifiers; whatever is wrong with one of them stops no other."""
        return make_notifying(os.environ)


def make_notifying(environ: Mapping[str, str]) -> Notifying:
    """The notifiers of an environment.

    Args:
        environ: Environment variables; secrets are taken from here and from nowhere else.
    """
    try:
        settings, fault = NotifySettings.from_env(environ), ""
    except ConfigurationError as error:
        settings, fault = NotifySettings(), str(error)
    parts = around(environ)
    notifiers = [_build(name, parts) for name in settings.names]
    return Notifying(notifiers=notifiers, pace=settings.pace, fault=fault)


def around(environ: Mapping[str, str]) -> Surroundings:
    """What notifiers are built from."""
    return Surroundings(
        environ=environ,
        clock=make_clock(),
        calendar=make_calendar(),
        environment="",
        database_url="",
    )


def build_notifier(name: str, parts: Surroundings) -> Notifier:
    """The notifier of a name.

    Raises:
        ConfigurationError: There is none, or it can't be built from the settings.
    """
    return find_adapter("notifiers", name, "EXIT_NOTIFY", Notifier)(parts)


def _build(name: str, parts: Surroundings) -> Notifier:
    try:
        return build_notifier(name, parts)
    except ConfigurationError as error:
        return UnusableNotifier(name, error)
