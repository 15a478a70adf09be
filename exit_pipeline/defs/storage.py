"""Dagster's own storage: Postgres wherever the project's database is.

``dagster.yaml`` names this class, so that a plain ``dagster dev`` finds the embedded server. The
URL is never written into the instance's configuration, which is readable in the UI.
"""

from collections.abc import Mapping
from typing import Any

from dagster._config.config_schema import UserConfigSchema
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import DagsterPostgresException
from psycopg2 import Error
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError
from exit_pipeline.defs.resources import database_url, ensure_schema, keep_secrets_out
from exit_pipeline.settings import Settings

SCHEMA = "dagster"
"""Schema of Dagster's tables where they share a server's database with the project's."""


class InstanceStorage(DagsterPostgresStorage):
    """Runs, events and schedules.

    They are kept in ``DAGSTER_POSTGRES_URL``, or in a schema of ``DATABASE_URL``, or in a second
    database of the embedded server, whichever comes first.
    """

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """Nothing to configure: the URL comes from the environment."""
        return {}

    @classmethod
    def from_config_value(
        cls,
        inst_data: ConfigurableClassData | None,
        config_value: Mapping[str, Any],  # noqa: ARG003 empty, as config_type says
    ) -> "InstanceStorage":
        """The storage at the URL that the environment leads to; no secret is written there.

        Raises:
            ConfigurationError: The URL is malformed, or the server does not let its login make
                what is missing there.
            UnavailableError: The server does not answer.
        """
        keep_secrets_out()
        url = storage_url(Settings.from_env())
        where = f"Dagster's storage at {make_url(url).host or 'the local socket'}"
        try:
            return cls(url, inst_data=inst_data)
        except (DagsterPostgresException, OperationalError) as error:
            message = f"{where} did not answer"
            raise UnavailableError(message) from error
        except DBAPIError as error:
            message = f"{where} refused: {_reason(error)}"
            raise ConfigurationError(message) from error


def storage_url(settings: Settings) -> str:
    """The SQLAlchemy URL of Dagster's storage; creates its schema in a shared database.

    Raises:
        ConfigurationError: A URL is malformed.
        UnavailableError: The shared database does not answer.
    """
    if settings.dagster_postgres_url:
        return _render(_read(settings.dagster_postgres_url))
    if settings.database_url is None:
        return _render(make_url(database_url(settings, "dagster")))
    ensure_schema(settings.database_url, SCHEMA)
    url = make_url(settings.database_url)
    return _render(url.update_query_dict({"options": f"-csearch_path={SCHEMA}"}))


def _reason(error: DBAPIError) -> str:
    """The server's own sentence; its further text quotes the statement."""
    cause = error.orig
    said = cause.diag.message_primary if isinstance(cause, Error) else None
    return said or type(cause).__name__


def _read(text: str) -> URL:
    try:
        return make_url(text)
    except ArgumentError:
        # The library's own sentence is left out, since it may quote what it read.
        message = (
            "DAGSTER_POSTGRES_URL is malformed; expected postgresql://user:password@host/database"
        )
        raise ConfigurationError(message) from None


def _render(url: URL) -> str:
    # A bare postgresql:// means psycopg 3 to SQLAlchemy from 2.1 on.
    return url.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)
