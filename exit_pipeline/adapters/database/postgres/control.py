"""The switch that stops trading."""

from typing import Final

from sqlalchemy import Connection, Engine

from exit_pipeline.adapters.clients.postgres_engine import run, transaction
from exit_pipeline.core.model.control import TradingControl, TradingState
from exit_pipeline.core.model.errors import InputError

REPLAYED: Final = frozenset({"tape", "simulated"})
"""Environments in which nobody's money moves: the switch is not theirs."""

_HALTED: Final = """
    INSERT INTO alerts (severity, cause, subject, message)
    SELECT :severity, 'HALTED', 'trading', :message
    WHERE NOT EXISTS (
        SELECT FROM alerts WHERE (cause, subject) = ('HALTED', 'trading')
        AND acknowledged_at IS NULL AND severity IN (:severity, 'CRITICAL'))
"""

# Who lets trading go on has seen that it was halted.
_SEEN: Final = """
    UPDATE alerts SET acknowledged_at = now(), acknowledged_by = :changed_by
    WHERE cause = 'HALTED' AND acknowledged_at IS NULL
"""


class PostgresControl:
    """The ``ControlStore`` in ``trading_control``, whose every move is in ``.._changes``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(self) -> TradingControl:
        """The switch as it stands."""
        with transaction(self._engine) as connection:
            row = run(
                connection, "SELECT state, reason, changed_by, changed_at FROM trading_control"
            ).one()
        return TradingControl(**row._asdict() | {"state": TradingState(row.state)})

    def move(self, state: TradingState, reason: str, changed_by: str) -> TradingControl:
        """Move the switch; every move is kept, and whoever is on duty is told of a halt.

        Only ACTIVE is laxer than what it is moved from: two people who halt at once, each as far as
        they think right, end up with the stricter of both.

        Raises:
            InputError: It would become ACTIVE without a reason, or laxer without being resumed.
        """
        if state is TradingState.ACTIVE and not reason.strip():
            message = f"reason is {reason!r}; resuming needs one, which is kept with your name"
            raise InputError(message)
        with transaction(self._engine) as connection:
            _refuse_laxer(connection, state)
            run(
                connection,
                """
                UPDATE trading_control
                SET state = :state, reason = :reason, changed_by = :changed_by, changed_at = now()
                """,
                state=state.value,
                reason=reason,
                changed_by=changed_by,
            )
            if state is TradingState.ACTIVE:
                run(connection, _SEEN, changed_by=changed_by)
            else:
                # Whoever halts knows it already; the others are told once.
                message = f"{changed_by} moved trading to {state}: {reason or 'no reason given'}"
                run(connection, _HALTED, severity="WARNING", message=message)
        return self.read()

    def state(self, environment: str) -> TradingState:
        """What may be sent in an environment; where nobody's money moves it is always ACTIVE."""
        with transaction(self._engine) as connection:
            return trading_state(connection, environment)

    def halt(self, reason: str) -> None:
        """Stop new orders because of an anomaly; a stricter state stays."""
        with transaction(self._engine) as connection:
            halt(connection, reason)


def _refuse_laxer(connection: Connection, state: TradingState) -> None:
    """Lock the switch, and refuse what would let through more than it does now.

    Raises:
        InputError: As that.
    """
    statement = "SELECT state FROM trading_control FOR UPDATE"
    now = TradingState(run(connection, statement).scalar_one())
    if state is not TradingState.ACTIVE and state.is_laxer_than(now):
        message = (
            f"STATE is {state.value!r}, and trading is in {now}, which is stricter; expected {now} "
            f"or stricter, or first: exit-pipeline resume --reason TEXT"
        )
        raise InputError(message)


def trading_state(connection: Connection, environment: str) -> TradingState:
    """What may be sent in an environment; read anew for every order."""
    if environment in REPLAYED:
        return TradingState.ACTIVE
    return TradingState(run(connection, "SELECT state FROM trading_control").scalar_one())


def halt(connection: Connection, reason: str) -> None:
    """Stop new orders, from inside a transaction, and tell of it; a stricter state stays."""
    moved = run(
        connection,
        """
        UPDATE trading_control
        SET state = 'HALT_NEW', reason = :reason, changed_by = 'exit-pipeline', changed_at = now()
        WHERE state = 'ACTIVE'
        """,
        reason=reason,
    )
    if moved.rowcount:
        message = f"exit-pipeline moved trading to HALT_NEW: {reason}"
        run(connection, _HALTED, severity="CRITICAL", message=message)
