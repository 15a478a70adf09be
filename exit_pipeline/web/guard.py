"""Who may ask: whoever has the token."""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

from exit_pipeline.web.exchange import HttpError

_CHALLENGE: Final = {"www-authenticate": 'Bearer realm="exit-pipeline"'}


class Guard:
    """Lets callers through that have the token, of which only a digest is kept.

    Digests of equal length are compared in constant time, so the time that a refusal takes tells
    neither how much of a guess was right nor how long the token is.
    """

    def __init__(self, token: str) -> None:
        self._digest = hashlib.sha256(token.encode()).digest()

    def knows(self, authorization: Sequence[str]) -> bool:
        """Whether a caller has the token.

        Args:
            authorization: Every ``Authorization`` header of the request.
        """
        scheme, _, given = (authorization[0] if len(authorization) == 1 else "").partition(" ")
        # Headers arrive as Latin-1, in which every byte is a character.
        digest = hashlib.sha256(given.strip().encode("latin-1", "replace")).digest()
        return hmac.compare_digest(digest, self._digest) and scheme.lower() == "bearer"

    def check(self, authorization: Sequence[str]) -> None:
        """Let a caller through.

        Args:
            authorization: Every ``Authorization`` header of the request.

        Raises:
            HttpError: There is none, are several, or it is not the token.
        """
        if self.knows(authorization):
            return
        told = "expected the header Authorization: Bearer TOKEN, with the value of API_AUTH_TOKEN"
        what = "the token is wrong" if authorization else "there is no token"
        raise HttpError(401, f"{what}; {told}", headers=_CHALLENGE)
