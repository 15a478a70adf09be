"""Open interest that was asked for, by contract and day."""

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import Engine

from exit_pipeline.adapters.clients.postgres_engine import as_json, run, transaction
from exit_pipeline.core.model.quote import OpenInterest


class PostgresOpenInterest:
    """The ``OpenInterestStore`` in ``open_interest``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def told_on(self, session_day: date, symbols: Sequence[str]) -> dict[str, int | None]:
        """What was told on a session day, by symbol; None where the source had none.

        A symbol that was not asked about on that day is absent.
        """
        with transaction(self._engine) as connection:
            rows = run(
                connection,
                """
                SELECT DISTINCT ON (symbol) symbol, open_interest
                FROM open_interest
                WHERE session_day = :session_day AND symbol = ANY(CAST(:symbols AS text[]))
                ORDER BY symbol, open_interest IS NULL, as_of DESC
                """,
                session_day=session_day,
                symbols=list(symbols),
            )
            return {row.symbol: row.open_interest for row in rows}

    def record(
        self,
        source: str,
        session_day: date,
        told: Sequence[OpenInterest],
        without: Sequence[str] = (),
    ) -> None:
        """Keep an answer; one that a contract already has of a day becomes that of the newest.

        Args:
            source: Who told.
            session_day: The day on which it was asked.
            told: Open interest of contracts, each contract once.
            without: Symbols that the source has none of.
        """
        rows: list[Mapping[str, object]] = [
            {"symbol": one.symbol, "as_of": one.as_of, "open_interest": one.open_interest}
            for one in told
        ]
        rows += [{"symbol": symbol, "as_of": session_day} for symbol in without]
        if not rows:
            return
        with transaction(self._engine) as connection:
            run(
                connection,
                """
                INSERT INTO open_interest (symbol, as_of, open_interest, source, session_day)
                SELECT n.symbol, n.as_of, n.open_interest, :source, :session_day
                FROM json_to_recordset(CAST(:rows AS json)) AS n(
                    symbol text, as_of date, open_interest bigint)
                ON CONFLICT (symbol, as_of) DO UPDATE
                SET open_interest = coalesce(excluded.open_interest, open_interest.open_interest),
                    source = excluded.source, session_day = excluded.session_day
                """,
                source=source,
                session_day=session_day,
                rows=as_json(rows),
            )
