"""What a PostgreSQL error says, cut down to the part that belongs into a sentence."""

import psycopg2


def reason_of(error: psycopg2.Error) -> str:
    """Return the server's or the driver's reason, without severity, address, hints or a full stop.

    Args:
        error: From a statement, where the server's primary message is known, or from connecting,
            where the driver gives one text that may have several lines, one for each address.
    """
    text = error.diag.message_primary or str(error).strip().partition("\n")[0]
    for before_the_reason in (" failed: ", "FATAL: "):
        text = text.rpartition(before_the_reason)[2]
    return text.strip().rstrip(".") or type(error).__name__
