"""Add to the chain of hashes over what was recorded, and prove that nothing was changed since."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from exit_pipeline.core.model.audit_link import AuditFault, AuditLink
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.ports import Database

log = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 200
"""Links that one tick adds at most, where earlier ones could not: each takes some milliseconds."""

_BATCH: Final = 200
"""Links that one question to the database looks at, well below the time that it may take."""


def add_links(database: Database) -> None:
    """Add the links of the runs that have ended; whatever goes wrong, the next tick adds them.

    A link is proof for later and no part of a tick, which it neither fails nor delays for long.
    """
    try:
        database.audit_trail.link_runs(MOST_AT_ONCE)
    except Exception as error:  # whatever it is
        log.warning("ExitWorker: the audit trail is continued by the next tick: %s", error)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailReport:
    """What came of looking at the chain.

    Attributes:
        links: How many links were looked at.
        last: The newest link, to be kept elsewhere; None where there is none.
        faults: What doesn't fit, by link.
    """

    links: int
    last: AuditLink | None
    faults: tuple[AuditFault, ...]


def verify_chain(
    database: Database, *, since: datetime | None = None, anchor: str | None = None
) -> TrailReport:
    """Compute every link anew, from the rows as they are now.

    Args:
        database: What is kept.
        since: Look only at links that were made from then on.
        anchor: A link that was printed and kept before, as ``NUMBER:HASH``: it must still be there.
            Without one nobody can tell that the newest links were taken off, or all made anew.

    Raises:
        InputError: The anchor is not written like one.
        UnavailableError: The database did not answer.
    """
    trail = database.audit_trail
    faults = [] if anchor is None else list(_off_anchor(database, anchor))
    last = trail.last_link()
    first = 1 if since is None else trail.first_since(since)
    if last is None or first is None:
        return TrailReport(links=0, last=last, faults=(*faults, *trail.unlinked()))
    for begin in range(first, last.seq + 1, _BATCH):
        faults += trail.faults(begin, min(begin + _BATCH - 1, last.seq))
    return TrailReport(links=last.seq - first + 1, last=last, faults=(*faults, *trail.unlinked()))


def _off_anchor(database: Database, anchor: str) -> Iterator[AuditFault]:
    number, _, digest = anchor.strip().partition(":")
    if not (number.isascii() and number.isdecimal()) or len(digest) != 64 or int(number) >= 1 << 63:
        message = f"anchor is {anchor!r}; expected NUMBER:HASH, as verify-chain prints it"
        raise InputError(message)
    kept = database.audit_trail.link(int(number))
    if kept is None or kept.link != digest.lower():
        fault = "missing" if kept is None else "not the one that was kept"
        yield AuditFault(seq=int(number), kind="link", row_id=number, fault=fault)
