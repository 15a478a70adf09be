"""Texts without secrets."""

import re
from collections.abc import Mapping
from typing import Final

from exit_pipeline.redaction.known import LONG_USER, SHORTEST, forms_of, secrets_of

MARK: Final = "[redacted]"
"""What stands in place of a secret. It has no sign that JSON would write in another way."""

# No value of a shape goes over a quote, a backslash or a space: JSON stays JSON.
_USERINFO: Final = re.compile(r"(://[^\s\"'\\/@:?#]*:)[^\s\"'\\]*[^\s\"'\\@](?=@)")
_LONG_USER: Final = re.compile(rf"(://)[^\s\"'\\/@:?#]{{{LONG_USER},}}(?=@)")
_PARAMETER: Final = re.compile(
    r"([?&;][\w.-]*(?:token|key|secret|password|signature)[\w.-]*=)[^\s\"'\\&#]+", re.I
)
_HEADER: Final = re.compile(
    r"(authorization[\"'\\\s:=]{1,8}(?:(?:basic|bearer|digest|token)\s+)?)[^\s\"'\\,;]{8,}", re.I
)
_BEARER: Final = re.compile(r"(bearer\s+)[^\s\"'\\,;]{8,}", re.I)


class Redactor:
    """Takes the secrets of one environment, and whatever has a secret's shape, out of texts.

    Shapes are the password in a URL, or its user where that is as long as a token; a token after
    ``Bearer`` or in an ``Authorization`` header; and a parameter of a query that is named for a
    token, a key, a secret, a password or a signature.

    Args:
        environ: Names and values; see ``secrets_of`` for which of them are secrets.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        forms = {form for one in secrets_of(environ) for form in forms_of(one)}
        # The longest first, so that of no secret a part is left where another one is inside it.
        self._forms = tuple(sorted(forms, key=len, reverse=True))
        # One search for how all of them begin is ten times faster than one for each of them, and
        # finds nothing in nearly every text.
        heads = sorted({re.escape(form[:4]) for form in self._forms})
        self._heads = re.compile("|".join(heads) or r"(?!)")

    def __call__(self, text: str) -> str:
        """The text, with ``[redacted]`` in place of every secret; JSON stays JSON.

        Example: ``postgresql://me:pa55word@host/db`` becomes ``postgresql://me:[redacted]@host/db``.
        """
        if len(text) < SHORTEST:
            return text
        if self._heads.search(text):
            for form in self._forms:
                text = text.replace(form, MARK)
        return _without_shapes(text)


def _without_shapes(text: str) -> str:
    # Looking for a word is a hundred times faster than looking for a pattern.
    if "://" in text:
        text = _USERINFO.sub(rf"\g<1>{MARK}", text)
        text = _LONG_USER.sub(rf"\g<1>{MARK}", text)
        text = _PARAMETER.sub(rf"\g<1>{MARK}", text)
    elif "=" in text and "?" in text:
        text = _PARAMETER.sub(rf"\g<1>{MARK}", text)
    low = text.lower()
    if "authorization" in low:
        text = _HEADER.sub(rf"\g<1>{MARK}", text)
    if "bearer" in low:
        text = _BEARER.sub(rf"\g<1>{MARK}", text)
    return text


_in_use = [Redactor({})]


def redact(text: str) -> str:
    """A text without the secrets of this process, and without what has a secret's shape."""
    return _in_use[0](text)


def use(redactor: Redactor) -> None:
    """From here on ``redact`` is this one."""
    _in_use[0] = redactor
