"""I17 and I18, at the end of a seed: no key is seen, no broker was asked more than it allows.

Besides, no error has passed that is none of the program's own.
"""

import logging
from typing import Any, Final

from exit_pipeline.core.model.errors import ExitPipelineError
from exit_pipeline_tests.simulation.engine import CANARIES

_TEXTS: Final = """
    SELECT 'adapter_logs' AS place, t::text AS found FROM adapter_logs t
    UNION ALL SELECT 'alerts', t::text FROM alerts t
    UNION ALL SELECT 'orders', t::text FROM orders t
    UNION ALL SELECT 'decision_runs', t::text FROM decision_runs t
"""


class LogWatch(logging.Handler):
    """Looks for keys in everything that is logged.

    Attributes:
        found: Messages with a key in them.
        strange: Errors that were caught and logged and are none of the program's own.
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.found: list[str] = []
        self.strange: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            text += f" {error!r}"
            if is_strange(error) and record.name.startswith("exit_pipeline"):
                self.strange.append(text)
        if any(canary in text for canary in CANARIES):
            self.found.append(text[:80])


def is_strange(error: BaseException) -> bool:
    """Whether an error is a fault of the program and not one that it tells of."""
    return not isinstance(error, ExitPipelineError)


def check_leaks(world: Any, log: LogWatch) -> None:
    for text in log.strange:
        world.history.violate("STRANGE", f"the program met {text[:200]}")
    if times := world.venue.limit.ignored:
        message = f"{times} requests were sent though the broker had said that it takes no more"
        world.history.violate("I18", message)
    for text in log.found:
        world.history.violate("I17", f"a key is logged: {text}")
    for row in world.database.rows(_TEXTS):
        if any(canary in row["found"] for canary in CANARIES):
            world.history.violate("I17", f"a key stands in {row['place']}")
