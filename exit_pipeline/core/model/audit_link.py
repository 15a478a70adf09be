"""The chain of hashes over everything that was recorded, and what doesn't fit in it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLink:
    """A link of the chain: what one run left, and all before it.

    Attributes:
        seq: Its number, from 1 on without a gap.
        link: SHA-256 over the link before it and the run's rows, 64 hexadecimal digits.
        made_at: When it was made.
    """

    seq: int
    link: str
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFault:
    """Something that is not as it was recorded.

    Attributes:
        seq: The link that doesn't fit; None where it is of no link and should be of one.
        kind: ``link``, ``run``, ``decision``, ``event`` of an order, ``fill``, ``closing``,
            ``alert``, or ``control`` for a move of the switch.
        row_id: Key of the row.
        fault: What is wrong with it: missing, altered, added, or how a link doesn't fit.
    """

    seq: int | None
    kind: str
    row_id: str
    fault: str

    def say(self) -> str:
        """One sentence, such as ``link 7: the decision 0190-a1 is altered``."""
        where = f"link {self.seq}" if self.seq is not None else "of no link"
        if self.kind == "link":
            return f"{where} is {self.fault}"
        return f"{where}: the {self.kind} {self.row_id} is {self.fault}"
