"""What the roles of a database may do, and who has them; see ``sql/0015_roles.sql``."""

from typing import Any

import psycopg2
from psycopg2.sql import SQL, Identifier

from exit_pipeline.adapters.clients.postgres_errors import reason_of
from exit_pipeline.core.model.errors import ConfigurationError


def grant(connection: Any) -> tuple[str, ...]:
    """Give the roles what they may, as the owner.

    Returns:
        The statements that only somebody else may run, such as ``CREATE ROLE ...``; also nothing
        where the database is older than its roles.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regprocedure('exit_pipeline_grant_roles()') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return ()
        cursor.execute("SELECT exit_pipeline_grant_roles()")
        return tuple(row[0] for row in cursor.fetchall())


def give(connection: Any, login: str, role: str) -> None:
    """Give a login a role.

    Raises:
        ConfigurationError: There is no such login or role, or it may not be given.
    """
    statement = SQL("GRANT {} TO {}").format(Identifier(role), Identifier(login))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
    except psycopg2.Error as error:
        message = f"{role} can't be granted to {login!r}: {reason_of(error)}"
        raise ConfigurationError(message) from error
