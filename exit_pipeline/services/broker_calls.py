"""Every call of a broker, written down as it is made."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from exit_pipeline.core.model.record import BrokerCall
from exit_pipeline.ports import Broker, RunStore
from exit_pipeline.redaction import scrubbed

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLog:
    """Makes broker calls for one account's run and logs each, whatever comes of it."""

    broker: Broker
    runs: RunStore
    run_id: str | None
    account: str
    at: datetime

    def call(
        self,
        method: Callable[[], T],
        name: str,
        client_order_id: str | None = None,
        describe: Callable[[T], str] = str,
    ) -> T:
        """Call, log, and give back what came; an error is logged and goes on its way.

        A broker's error may quote what was sent, so it goes on without secrets.
        """
        try:
            with scrubbed():
                answer = method()
        except Exception as error:
            self._log(name, client_order_id, type(error).__name__, str(error))
            raise
        self._log(name, client_order_id, "ok", describe(answer))
        return answer

    def _log(self, name: str, client_order_id: str | None, outcome: str, detail: str) -> None:
        call = BrokerCall(
            run_id=self.run_id,
            broker=self.broker.name,
            environment=self.broker.environment,
            account=self.account,
            call=name,
            client_order_id=client_order_id,
            outcome=outcome,
            detail=detail[:2_000],
            called_at=self.at,
        )
        self.runs.log_calls([call])
