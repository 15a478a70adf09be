"""Errors whose text is one sentence for a person.

    ExitPipelineError
    ├── InputError           a value somebody gave is not usable; nothing was done
    ├── ConfigurationError   a setting is missing or contradicts another; nothing was started
    └── UnavailableError     something outside did not answer; trying again may help

Entry points print the text and exit with status 1; they never show a traceback for these.
"""


class ExitPipelineError(Exception):
    """Base of all errors that are meant to be read by a user."""


class InputError(ExitPipelineError):
    """A value somebody gave is not usable: names the field, the value and what was expected."""


class ConfigurationError(ExitPipelineError):
    """A setting is missing, malformed or contradicts another one."""


class UnavailableError(ExitPipelineError):
    """A server, file or market source could not be reached; nothing is known about its state."""
