"""What a run prints: its own lines and whatever needs attention."""

import logging

import dagster as dg

MARK = "ExitWorker"
"""The word by which the worker's lines are found."""


@dg.logger({}, "The worker's own lines, and warnings of anybody.")
def console(context: dg.InitLoggerContext) -> logging.Logger:  # noqa: ARG001 Dagster passes it
    """A logger for the terminal, at the level of the package's logger."""
    logger = logging.Logger("exit_pipeline.run")
    logger.setLevel(logging.getLogger("exit_pipeline").level or logging.INFO)
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    handler.addFilter(
        lambda record: record.levelno >= logging.WARNING or MARK in record.getMessage()
    )
    logger.addHandler(handler)
    return logger
