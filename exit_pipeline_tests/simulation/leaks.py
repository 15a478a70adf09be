"""I17 and I18: no key is seen anywhere, and no broker is asked more often than it allows."""

import logging
from typing import Any, Final

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
        count: Messages that were looked at.
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.found: list[str] = []
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1
        text = record.getMessage()
        if record.exc_info and record.exc_info[1]:
            text += f" {record.exc_info[1]!r}"
        if any(canary in text for canary in CANARIES):
            self.found.append(text[:80])


def check_leaks(world: Any, log: LogWatch) -> None:
    for text in log.found:
        world.history.violate("I17", f"a key is logged: {text}")
    for row in world.database.rows(_TEXTS):
        if any(canary in row["found"] for canary in CANARIES):
            world.history.violate("I17", f"a key stands in {row['place']}")
