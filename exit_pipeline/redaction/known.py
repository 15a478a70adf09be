"""The secrets that an environment holds, and how each may stand in a text."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote, quote_plus, unquote, urlsplit

SHORTEST: Final = 8
"""Characters that a value has at least to be looked for: a shorter one is found in any text."""

LONG_USER: Final = 20
"""Characters from which on the user of a URL without a password is taken for a token."""

_NAMES: Final = re.compile(
    r"(?:^|_)(?:API)?KEY(?:_|$)|(?:^|_)TOKEN(?:_|$)|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL",
    re.I,
)
_PLACES: Final = re.compile(r"_(?:FILE|PATH|DIR)$", re.I)
"""Endings of variables that say where a secret is, and hold none."""

_HOOKS: Final = re.compile(r"WEBHOOK|SLACK", re.I)
_PUBLIC: Final = frozenset(
    {"postgres", "postgresql", "password", "exit_pipeline", "exit-pipeline", "simulated"}
)
"""Words of our own texts, which some development server has for a password."""

_CODED: Final = re.compile(r"%[0-9A-F]{2}")


def is_named_for_a_secret(name: str) -> bool:
    """Whether a variable or a field of this name holds a secret.

    Example: ``ALPACA_SECRET_KEY`` and ``api_key`` do; ``ALPACA_KEY_FILE`` says where one is.
    """
    return bool(_NAMES.search(name)) and not _PLACES.search(name)


def secrets_of(environ: Mapping[str, str]) -> set[str]:
    """The secrets of an environment that are long enough to be looked for.

    They are the values of variables that are named for it (``*_KEY``, ``*_SECRET``, ``*_TOKEN``,
    ``*_PASSWORD``), the password in any URL, and of a webhook's URL all that stands behind its
    host. A password that is as well the URL's user, host or database, or a word of our own texts,
    is looked for by its shape alone.

    Example: ``{"DATABASE_URL": "postgresql://me:pa55word@host/db"}`` holds ``pa55word``.
    """
    found: set[str] = set()
    for name, value in environ.items():
        if is_named_for_a_secret(name):
            found.update(_lines(value))
        if "://" in value:
            found.update(_of_url(value, is_hook=bool(_HOOKS.search(name))))
    return {one for one in found if len(one) >= SHORTEST and one.lower() not in _PUBLIC}


def forms_of(secret: str) -> set[str]:
    """A secret as it may stand in a text.

    As it is, percent-encoded, in Base64, and as JSON, Python, and Python inside of JSON write it.
    """
    coded = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    lower = {_CODED.sub(lambda found: found[0].lower(), one) for one in coded}
    written = {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1]}
    found = {*coded, *lower, *written, *(json.dumps(one)[1:-1] for one in written)}
    return {one for one in found | set(_base64(secret)) if len(one) >= SHORTEST}


def _lines(value: str) -> list[str]:
    """A secret and, where it has several lines as a private key has, each that tells something."""
    parts = [line.strip() for line in value.splitlines()]
    return [value.strip(), *(line for line in parts if len(line) >= 2 * SHORTEST)]


def _of_url(url: str, *, is_hook: bool) -> Iterator[str]:
    try:
        parts = urlsplit(url.strip())
        user, password, host = parts.username or "", parts.password or "", parts.hostname or ""
    except ValueError:  # such as a broken address of IPv6: then it is no URL that anybody opens
        return
    yield from {password, unquote(password)} - {user, host, parts.path.strip("/")}
    if not password and len(user) >= LONG_USER:
        yield user
    if is_hook:
        path = parts.path.strip("/")
        yield from (path, *(part for part in path.split("/") if len(part) >= 2 * SHORTEST))


def _base64(secret: str) -> Iterator[str]:
    """What Base64 makes of a secret, wherever in a longer text it stands.

    Three bytes become four characters, so there are three ways by what stands before. Characters
    that depend on a neighbour are left out: of n bytes after p others those from ⌈4p/3⌉ on and
    below ⌊4(p + n)/3⌋ are the secret's own. Example: 9 bytes at the beginning have 12 of their own,
    and 9 bytes after one other byte those from 2 on and below 13.
    """
    raw = secret.encode(errors="surrogatepass")
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + raw).decode()
        own = coded[-(-4 * before // 3) : 4 * (before + len(raw)) // 3]
        yield own
        yield own.translate(str.maketrans("+/", "-_"))
