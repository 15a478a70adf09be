"""Which accounts the broker itself says are ours: asked before anything is done with one."""

import logging
from collections.abc import Mapping
from datetime import datetime

from exit_pipeline.core.model.errors import ConfigurationError, ExitPipelineError
from exit_pipeline.core.model.record import Alert
from exit_pipeline.ports import Broker, Database, TakesDeposits
from exit_pipeline.services.broker_calls import CallLog

log = logging.getLogger(__name__)


def why_not_ours(
    runs: Mapping[str, str], *, broker: Broker, database: Database, at: datetime
) -> dict[str, str]:
    """Why accounts may not be worked at this broker, by account; those that may be are absent.

    A broker whose books we keep ourselves has no accounts but ours. Another one is asked, which
    costs one request of its object's whole life, and none while there is nothing to do. An account
    that it does not name, or of which it says nothing, is not worked, and an alert tells of it.

    Args:
        runs: The run of each account that something is to be sent to or read of.
        broker: Where.
        database: Keeps the alerts.
        at: The tick's moment.
    """
    if not runs or isinstance(broker, TakesDeposits):
        return {}
    account, run_id = next(iter(runs.items()))
    calls = CallLog(broker=broker, runs=database.runs, run_id=run_id, account=account, at=at)
    severity, cause = "CRITICAL", "WRONG_ACCOUNT"
    try:
        known = calls.call(broker.accounts, "accounts", describe=", ".join)
    except Exception as error:  # whatever it is, the broker has named no account
        is_ours = not isinstance(error, ExitPipelineError)
        log.warning("ExitWorker: accounts of %s: %s", broker.name, error, exc_info=is_ours)
        severity = "CRITICAL" if isinstance(error, ConfigurationError) else "WARNING"
        cause = "ACCOUNT_NOT_KNOWN"
        reasons = dict.fromkeys(runs, str(error) or type(error).__name__)
    else:
        reasons = {
            one: f"the broker {broker.name} does not say that account {one} is ours in its "
            f"{broker.environment} environment"
            for one in runs
            if one not in known
        }
    alerts = [
        Alert(severity=severity, cause=cause, subject=one, message=reason, run_id=runs[one])
        for one, reason in reasons.items()
    ]
    database.runs.raise_alerts(alerts)
    return reasons
