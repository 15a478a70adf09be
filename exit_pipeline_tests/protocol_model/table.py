"""The protocols that are tried: those that are chosen, and those that were rejected.

``CHOSEN`` are the protocols that the product is to follow; ``SUFFICIENT`` ones lack a rule and are
safe as long as the world is kind, which shows what the rule is for; ``NOT_PREVENTED`` is the risk
that remains and has to be stated; each of the ``REJECTED`` breaks. A row that breaks has a small
world, so that its history is short; a safe one the largest that a test has time for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from exit_pipeline_tests.protocol_model.model import Violation
from exit_pipeline_tests.protocol_model.rules import (
    Freezes,
    GivesUp,
    Proof,
    Rules,
    Variant,
    World,
)
from exit_pipeline_tests.protocol_model.search import Answer, search

DOUBLE: Final = Violation.DOUBLE_EXIT
LOST: Final = Violation.LOST_FILL
ORPHAN: Final = Violation.ORPHAN_ORDER


@dataclass(frozen=True, slots=True)
class Case:
    """A protocol in a world, and what becomes of it.

    Attributes:
        title: What the row shows.
        rules: The protocol.
        world: Its surroundings and the bounds of the search.
        breaks: What is violated; nothing for a protocol that is safe.
        withstands: What is not, although something else is; it makes the search exhaustive.
    """

    title: str
    rules: Rules
    world: World
    breaks: tuple[Violation, ...] = ()
    withstands: tuple[Violation, ...] = ()

    def answer(self) -> Answer:
        """Search it."""
        return search(Variant(self.rules, self.world), (*self.breaks, *self.withstands))

    def is_borne_out(self, answer: Answer) -> bool:
        """Whether exactly what is said to break was found to."""
        return set(answer.traces) == set(self.breaks)


PROVING: Final = Rules()
REPEATING: Final = Rules(sends_again=True, gives_up=GivesUp.NEVER)
REPEATING_OR_PROVING: Final = Rules(sends_again=True)

HARSH: Final = World(
    workers=2,
    refuses=True,
    reports_late=True,
    expires=True,
    cancels=True,
    freezes=Freezes.ANYWHERE,
)
IDEMPOTENT: Final = replace(HARSH, is_idempotent=True, freezes=Freezes.NOWHERE)
MILD: Final = World(crashes=0)
REPLACING: Final = replace(MILD, cancels=True)
TWO: Final = replace(MILD, workers=2)
FREEZING_EARLY: Final = replace(TWO, freezes=Freezes.BEFORE_CHECK)
FREEZING: Final = replace(TWO, freezes=Freezes.ANYWHERE)
GUARDED: Final = replace(MILD, guards_quantity=True, attempts=3)

CHOSEN: Final[Sequence[Case]] = (
    Case("no idempotency: prove, wait, list, give up; a sender may freeze anywhere",
         PROVING, replace(HARSH, attempts=3)),
    Case("no idempotency: the same; a sender may lose its session, and freeze before its check",
         PROVING, replace(HARSH, session_losses=1, freezes=Freezes.BEFORE_CHECK)),
    Case("no idempotency: the same; one worker, three contracts, three orders, two crashes",
         PROVING, replace(HARSH, workers=1, contracts=3, attempts=3, crashes=2)),
    Case("no idempotency: the same; three workers, nothing is replaced",
         PROVING, World(workers=3, freezes=Freezes.ANYWHERE)),
    Case("idempotent: the same id again",
         REPEATING, IDEMPOTENT),
    Case("idempotent: the same id again; a sender may lose its session and freeze anywhere",
         REPEATING, World(workers=2, is_idempotent=True, session_losses=1, refuses=True,
                          freezes=Freezes.ANYWHERE)),
    Case("idempotent: the same id again, or prove, wait, list, give up",
         REPEATING_OR_PROVING, replace(IDEMPOTENT, reports_late=False, freezes=Freezes.ANYWHERE)),
)  # fmt: skip

SUFFICIENT: Final[Sequence[Case]] = (
    Case("quarantine alone, if no sender ever freezes",
         Rules(proof=Proof.NONE, keeps_deadline=False), replace(HARSH, freezes=Freezes.NOWHERE)),
    Case("quarantine and deadline, if no sender freezes between check and write",
         Rules(proof=Proof.NONE), replace(HARSH, freezes=Freezes.BEFORE_CHECK)),
    Case("quarantine and lock without a deadline, if no sender loses its session",
         Rules(keeps_deadline=False), HARSH),
    Case("fence without the unique index",
         Rules(allows_one_live_exit=False), HARSH),
    Case("unique index without the fence, if fills are never reported late",
         Rules(has_fence=False), replace(HARSH, reports_late=False)),
    Case("ended orders never read again, if fills are never reported late",
         Rules(reads_ended=False), replace(HARSH, reports_late=False)),
)  # fmt: skip

NOT_PREVENTED: Final[Sequence[Case]] = (
    Case("every rule kept; a sender loses its session and freezes between check and write",
         PROVING, replace(FREEZING, session_losses=1), (DOUBLE, ORPHAN)),
)  # fmt: skip

REJECTED: Final[Sequence[Case]] = (
    Case("POST first, record after",
         Rules(records_first=False), MILD, (DOUBLE, ORPHAN)),
    Case("not found: a new id at once; idempotent, shown without delay",
         Rules(gives_up=GivesUp.AT_ONCE),
         replace(MILD, is_idempotent=True, hides=False), (DOUBLE, ORPHAN)),
    Case("not found: a new id at once; idempotent, shown late",
         Rules(gives_up=GivesUp.AT_ONCE),
         replace(MILD, is_idempotent=True, delays=False), (DOUBLE, ORPHAN)),
    Case("not found: a new id at once; no idempotency",
         Rules(gives_up=GivesUp.AT_ONCE), MILD, (DOUBLE, ORPHAN)),
    Case("not found: the same id again; no idempotency",
         REPEATING, MILD, (DOUBLE,)),
    Case("the same id again, and its refusal believed; idempotent",
         replace(REPEATING, believes_refusal_of_repeat=True),
         replace(MILD, is_idempotent=True, refuses=True), (DOUBLE, ORPHAN)),
    Case("the same id again, given up by the age of the first sending; idempotent",
         replace(REPEATING_OR_PROVING, waits_anew=False),
         replace(MILD, is_idempotent=True), (DOUBLE, ORPHAN)),
    Case("not found: never given up and never sent again",
         Rules(gives_up=GivesUp.NEVER), MILD, (Violation.STUCK_ORDER,)),
    Case("quarantine alone; a sender may freeze",
         Rules(proof=Proof.NONE, keeps_deadline=False), FREEZING_EARLY, (DOUBLE, ORPHAN)),
    Case("quarantine and deadline; a sender may freeze between check and write",
         Rules(proof=Proof.NONE), FREEZING, (DOUBLE, ORPHAN)),
    Case("the lock is looked at after listing",
         Rules(proof=Proof.LOCK_AFTER_LISTING), FREEZING, (DOUBLE, ORPHAN)),
    Case("the lock is looked at before listing, but the quarantine began with the intent",
         Rules(proof=Proof.LOCK_BEFORE_LISTING), FREEZING, (DOUBLE, ORPHAN)),
    Case("no deadline; a sender may lose its session and freeze",
         Rules(keeps_deadline=False), replace(FREEZING_EARLY, session_losses=1), (DOUBLE, ORPHAN)),
    Case("the list that shows nothing was read before the quarantine passed",
         Rules(lists_after_quarantine=False), MILD, (DOUBLE, ORPHAN)),
    Case("sending does not check that the intent still stands",
         Rules(rechecks_before_sending=False), TWO, (DOUBLE, ORPHAN)),
    Case("neither unique index nor fence",
         Rules(allows_one_live_exit=False, has_fence=False), TWO,
         (DOUBLE, Violation.TWO_LIVE_ORDERS)),
    Case("unique index without the fence; fills are reported late",
         Rules(has_fence=False), replace(TWO, reports_late=True), (DOUBLE,)),
    Case("cancel, and a new order without confirmation; no idempotency",
         Rules(confirms_cancel=False, reads_ended=False), REPLACING, (DOUBLE, LOST, ORPHAN)),
    Case("cancel, and a new order without confirmation; idempotent",
         replace(REPEATING, confirms_cancel=False, reads_ended=False),
         replace(REPLACING, is_idempotent=True), (DOUBLE, LOST, ORPHAN)),
    Case("a new order for what is not booked, whatever is still held",
         Rules(caps_at_holding=False), replace(REPLACING, reports_late=True), (DOUBLE,)),
    Case("a new order for what was held before the last one ended",
         Rules(reads_holding_last=False), replace(REPLACING, reports_late=True), (DOUBLE,)),
    Case("ended orders are never read again",
         Rules(reads_ended=False), replace(REPLACING, reports_late=True), (LOST,)),
    Case("what is new of a fill is computed before the row is locked",
         Rules(books_under_lock=False), TWO, (Violation.FILL_BOOKED_TWICE,)),
    Case("only complete fills are booked: status instead of quantity",
         Rules(books_quantities=False, reads_ended=False), REPLACING, (LOST,)),
    Case("the broker guards the quantity; not found: a new id at once",
         Rules(gives_up=GivesUp.AT_ONCE, reads_ended=False), GUARDED, (LOST, ORPHAN), (DOUBLE,)),
    Case("the broker guards the quantity; POST first, record after",
         Rules(records_first=False), GUARDED, (LOST, ORPHAN), (DOUBLE,)),
)  # fmt: skip
