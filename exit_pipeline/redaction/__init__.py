"""What must not be shown, and the one filter that keeps it out of every text.

A secret is known by its value, as the environment holds it, and by its shape. ``install`` puts the
filter where the texts of any library come by: the factory of log records, which stands before every
logger and handler, and what prints an error that nobody caught. What is written to a database, the
project's own or Dagster's, is filtered by ``adapters/clients/masked_writes.py``, what the HTTP
service answers by ``web``, and errors that leave an op or a command by ``scrub``.
"""

from exit_pipeline.redaction.errors import UnsaidError, scrub, scrubbed
from exit_pipeline.redaction.everywhere import install
from exit_pipeline.redaction.texts import MARK, redact

__all__ = ["MARK", "UnsaidError", "install", "redact", "scrub", "scrubbed"]
