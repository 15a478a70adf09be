"""What a protocol may do differently, and what the world may do to it."""

from dataclasses import dataclass
from enum import Enum, IntEnum


class GivesUp(Enum):
    """When an order that was sent, and that the broker does not show, counts as never placed."""

    NEVER = "never"
    AT_ONCE = "at once"
    AFTER_QUARANTINE = "after a quarantine"


class Proof(Enum):
    """How it is proved, before giving up, that the sender can't send any more.

    A sender holds a session lock of the database from before its POST until it knows the answer.
    """

    NONE = "none"
    LOCK_AFTER_LISTING = "its lock is looked at last"
    LOCK_BEFORE_LISTING = "its lock is looked at before the broker's list"
    LOCK_BEFORE_QUARANTINE = "the quarantine begins when its lock is seen free"


class Freezes(IntEnum):
    """Where a sender may stand still for longer than the quarantine, and then wake up."""

    NOWHERE = 0
    BEFORE_CHECK = 1
    ANYWHERE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """A protocol. The defaults are the rules chosen for a broker without idempotency.

    Attributes:
        records_first: The intent is committed before the POST.
        allows_one_live_exit: The database refuses a second live exit of a position (unique index
            and reservation); else a worker only looks before it inserts.
        has_fence: An intent, a sending and a giving up need the lease under its newest fence.
        rechecks_before_sending: Beginning to send needs a row that is still an intent.
        keeps_deadline: Immediately before it writes to the socket, the sender checks that the time
            it may send within (``not_after``) has not passed. The quarantine is longer than that.
        sends_again: An order that is not shown is sent again under the same id.
        waits_anew: Sending again begins the quarantine anew; else it counts from the first sending.
        gives_up: When an order that is not shown counts as never placed.
        proof: How the sender's end is proved before.
        lists_after_quarantine: The list that does not show the order was read after the quarantine.
        believes_refusal_of_repeat: A refusal ends an order that was sent before, too.
        confirms_cancel: A cancelled order ends when the broker says so, not when it is asked to.
        caps_at_holding: No order is for more than the broker says is held.
        reads_holding_last: What is held was read after the order before had ended; else it may be
            as old as that order's intent, which is what a tick that replaces an order has in hand.
        reads_ended: Ended orders are read again for fills that come late.
        books_under_lock: What is new of a fill is computed under the order's row lock; else before.
        books_quantities: Quantities are booked, also of an order that ended in part; else only an
            order that filled completely counts.
    """

    records_first: bool = True
    allows_one_live_exit: bool = True
    has_fence: bool = True
    rechecks_before_sending: bool = True
    keeps_deadline: bool = True
    sends_again: bool = False
    waits_anew: bool = True
    gives_up: GivesUp = GivesUp.AFTER_QUARANTINE
    proof: Proof = Proof.LOCK_BEFORE_QUARANTINE
    lists_after_quarantine: bool = True
    believes_refusal_of_repeat: bool = False
    confirms_cancel: bool = True
    caps_at_holding: bool = True
    reads_holding_last: bool = True
    reads_ended: bool = True
    books_under_lock: bool = True
    books_quantities: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What surrounds the protocol, and the bounds of the search.

    Attributes:
        workers: Processes that run ticks.
        contracts: Contracts that are held.
        attempts: Orders that the position may have.
        crashes: How often a worker may die between any two of its steps.
        session_losses: How often a sender's database session may end while the sender lives.
        is_idempotent: The broker refuses an id that it has seen (Alpaca); else a second POST is a
            second order (Tradier).
        guards_quantity: The broker refuses an order for more than is held and not yet ordered.
        hides: A placed order may be shown only later.
        delays: A POST without an answer may arrive later.
        refuses: The broker may refuse an order for reasons of its own.
        reports_late: Fills may be reported later than they happen, also after the order's end.
        expires: The broker may end an open order by itself: at the close, or by a late refusal.
        cancels: Workers replace working orders.
        freezes: Where a sender may freeze.
    """

    workers: int = 1
    contracts: int = 2
    attempts: int = 2
    crashes: int = 1
    session_losses: int = 0
    is_idempotent: bool = False
    guards_quantity: bool = False
    hides: bool = True
    delays: bool = True
    refuses: bool = False
    reports_late: bool = False
    expires: bool = False
    cancels: bool = False
    freezes: Freezes = Freezes.NOWHERE


@dataclass(frozen=True, slots=True)
class Variant:
    """A protocol in a world."""

    rules: Rules
    world: World

    @property
    def has_check(self) -> bool:
        """Whether the check of the deadline is a step of its own, which only freezing needs."""
        return self.rules.keeps_deadline and self.world.freezes is not Freezes.NOWHERE
