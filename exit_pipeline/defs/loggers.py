"""What a run prints: its own lines and whatever needs attention."""

import logging

import dagster as dg

MARK = "ExitWorker"
"""The word by which the worker's lines are found."""

PACKAGE_LOGGER = "exit_pipeline"
RUN_LOGGER = "exit_pipeline.run"
"""The logger whose level is that of a run's lines on the terminal."""


@dg.logger({}, "The worker's own lines, and warnings of anybody.")
def console(context: dg.InitLoggerContext) -> logging.Logger:  # noqa: ARG001 Dagster passes it
    """A logger for the terminal, at the level of its name or its package, else INFO."""
    logger = logging.Logger(RUN_LOGGER)
    levels = (logging.getLogger(name).level for name in (RUN_LOGGER, PACKAGE_LOGGER))
    logger.setLevel(next(filter(None, levels), logging.INFO))
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    handler.addFilter(
        lambda record: record.levelno >= logging.WARNING or MARK in record.getMessage()
    )
    logger.addHandler(handler)
    return logger
