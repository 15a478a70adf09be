"""Say why: the complete trace of decisions, and the few sentences that are stored with them."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from exit_pipeline.core.engine.grade import grade_quotes
from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.model.book import Book, SmallColumn
from exit_pipeline.core.model.decision import NO_RULE, Decisions, Outcome, RuleTrace
from exit_pipeline.core.model.quote import QuoteFlag, QuoteGrade
from exit_pipeline.core.model.rule import ExitRule

FLAG_WORDS = {
    QuoteFlag.MISSING: "no bid or no ask",
    QuoteFlag.NONFINITE: "a price that is no price",
    QuoteFlag.CROSSED: "bid above ask",
    QuoteFlag.LOCKED: "bid equals ask",
    QuoteFlag.NO_MARKET: "no bid under a high ask",
    QuoteFlag.WORTHLESS: "no bid and an ask of a few ticks",
    QuoteFlag.STALE_FEED: "the feed stands still",
    QuoteFlag.STALE_QUOTE: "an old quote",
    QuoteFlag.EXPIRED_QUOTE: "a quote too old to use",
    QuoteFlag.WIDE: "bid and ask far apart",
    QuoteFlag.NO_SIZE: "a side without size",
    QuoteFlag.FUTURE: "stamped in the future",
    QuoteFlag.EXPIRED_CONTRACT: "the contract no longer trades",
}


NO_DISTANCE = "-"
"""Said of a rule that was not judged, or that nothing but an event brings nearer."""

MINUTES_PER_DAY = 1_440
_FIGURES = {"%": "{:+.1f} %", "$": "{:,.2f} dollars", "days": "{:.0f} days"}


class RuleState(StrEnum):
    """What became of a rule in a decision, what matters most to a person first."""

    DECIDED = "decided"
    OVERRULED = "overruled"
    NOT_FIRED = "not fired"
    NOT_EVALUABLE = "not evaluable"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLine:
    """One rule's part in one decision.

    Attributes:
        reason: The rule's name in capitals.
        state: What became of it.
        observed: The value that was judged; NaN where not known.
        threshold: The value at which it fires.
        distance: What was missing until it would have fired; NaN where not known.
        progress: The same as a share of the way, 0..1.
        unit: Of the three values.
        text: As a person would say it.
    """

    reason: str
    state: RuleState
    observed: float
    threshold: float
    distance: float
    progress: float
    unit: str
    text: str

    @property
    def is_due(self) -> bool:
        """Whether it fired, also where another one decided."""
        return self.state in {RuleState.DECIDED, RuleState.OVERRULED}

    @property
    def distance_said(self) -> str:
        """What is missing until it fires, as a person says it; - where it was not judged.

        Example: a stop at -30 % with the P&L at -23.1 % is "6.9 %" away.
        """
        if self.is_due:
            return "due"
        if self.state is RuleState.NOT_EVALUABLE or math.isnan(self.distance):
            return NO_DISTANCE
        return _say(self.distance, self.unit).lstrip("+")


def nearest_first(lines: Iterable[RuleLine]) -> tuple[RuleLine, ...]:
    """Rules as a person looks for them: what fired, then the others, the nearest first.

    What could not be judged comes last, and what is not known is the farthest.
    """
    order = [*RuleState]

    def nearness(line: RuleLine) -> tuple[int, float]:
        progress = -1.0 if math.isnan(line.progress) else line.progress
        return order.index(line.state), -progress

    return tuple(sorted(lines, key=nearness))


def describe_flags(flags: int) -> str:
    """The flags of a quote in words, such as "bid and ask far apart, an old quote"."""
    return ", ".join(words for flag, words in FLAG_WORDS.items() if flags & flag)


class Explanation:
    """Why each row of a book was decided as it was.

    The columns behind it are computed once; text is made only for what is asked for.

    Args:
        book: The inputs.
        policies: ``book.policy`` indexes this.
        decisions: What ``decide`` made of them.
    """

    def __init__(self, book: Book, policies: Sequence[Policy], decisions: Decisions) -> None:
        self._book = book
        self._policies = policies
        self._decisions = decisions
        # Text is made row by row, and there a list of Python numbers is several times faster.
        self._rule, self._grade = decisions.rule.tolist(), decisions.grade.tolist()
        self._fired = decisions.fired_mask.tolist()
        self._evaluable = decisions.evaluable_mask.tolist()
        self._policy: list[int] = book.policy.tolist()
        self._place = np.zeros(len(book), np.intp)
        self._nearest = np.full(len(book), NO_RULE, np.int8)
        self._traces: dict[int, list[RuleTrace]] = {}
        for index in np.unique(book.policy).tolist():
            rows = np.flatnonzero(book.policy == index)
            part, policy = book.take(rows), policies[index]
            marks = grade_quotes(part, policy.quotes)
            traces = [rule.trace(part, marks) for rule in policy.rules]
            self._traces[index] = traces
            self._place[rows] = np.arange(len(rows))
            self._nearest[rows] = _nearest(traces, decisions.view(rows))

    def lines(self, row: int) -> tuple[RuleLine, ...]:
        """The complete trace of a row: every rule of its policy, in order."""
        return tuple(self._line(row, bit) for bit in range(len(self._rules(row))))

    def sentences(self, row: int) -> list[str]:
        """What decided, in a few sentences; for a HOLD, the rule that came nearest."""
        decisions = self._decisions
        states = [self._state(row, bit) for bit in range(len(self._rules(row)))]
        said = [self._outcome(row)]
        overruled = [bit for bit, state in enumerate(states) if state is RuleState.OVERRULED]
        if overruled:
            said.append(f"Also due: {', '.join(self._reason(row, bit) for bit in overruled)}.")
        if self._grade[row] != QuoteGrade.GOOD:
            grade = QuoteGrade(self._grade[row]).name
            said.append(f"The quote is {grade}: {describe_flags(int(decisions.flags[row]))}.")
        blind = [bit for bit, state in enumerate(states) if state is RuleState.NOT_EVALUABLE]
        if blind:
            grounds = (f"{self._reason(row, bit)} ({self._line(row, bit).text})" for bit in blind)
            said.append(f"Not judged: {', '.join(grounds)}.")
        return said

    def _outcome(self, row: int) -> str:
        decisions, rule = self._decisions, self._rule[row]
        if rule != NO_RULE:
            held, leaving = int(self._book.open_quantity[row]), int(decisions.quantity[row])
            share = "all" if decisions.outcome[row] == Outcome.FULL else f"{leaving} of {held}"
            return f"{self._reason(row, rule)} closes {share}: {self._line(row, rule).text}."
        if decisions.flags[row] & QuoteFlag.EXPIRED_CONTRACT:
            return "Nothing can be sent: the contract no longer trades and awaits settlement."
        if self._book.open_quantity[row] <= 0:
            return "Nothing can be sent: nothing is held any more."
        near = int(self._nearest[row])
        if near == NO_RULE:
            return "Nothing could be judged."
        line = self._line(row, near)
        return f"Nothing is due. Nearest is {line.reason}: {line.text}."

    def _rules(self, row: int) -> Sequence[ExitRule]:
        return self._policies[self._policy[row]].rules

    def _reason(self, row: int, bit: int) -> str:
        return self._rules(row)[bit].name.upper()

    def _state(self, row: int, bit: int) -> RuleState:
        if self._rule[row] == bit:
            return RuleState.DECIDED
        if self._fired[row] >> bit & 1:
            return RuleState.OVERRULED
        if self._evaluable[row] >> bit & 1:
            return RuleState.NOT_FIRED
        return RuleState.NOT_EVALUABLE

    def _line(self, row: int, bit: int) -> RuleLine:
        rule, state, at = self._rules(row)[bit], self._state(row, bit), self._place[row]
        trace = self._traces[self._policy[row]][bit]
        observed, threshold = float(trace.observed[at]), float(trace.threshold[at])
        distance, note = float(trace.distance[at]), str(trace.note[at])
        unit = trace.unit if isinstance(trace.unit, str) else str(trace.unit[at])
        sentence = rule.sentence if trace.sentence is None else str(trace.sentence[at])
        text = sentence.format(observed=_say(observed, unit), threshold=_say(threshold, unit))
        if state is RuleState.NOT_EVALUABLE or math.isnan(observed):
            text = note or "an input is not known"
        elif note:
            text = note if math.isnan(distance) or not distance else f"{text} ({note})"
        hits = int(self._decisions.hits[row, bit])
        if 0 < hits < rule.required_hits:
            text = f"{text} (due for {hits} of {rule.required_hits} ticks in a row)"
        return RuleLine(
            reason=rule.name.upper(),
            state=state,
            observed=observed,
            threshold=threshold,
            distance=distance,
            progress=float(trace.progress[at]),
            unit=unit,
            text=text,
        )


def _nearest(traces: Sequence[RuleTrace], decisions: Decisions) -> SmallColumn:
    """The rule that was judged, did not fire and came nearest to it; ``NO_RULE`` if none was."""
    nearest: SmallColumn = np.full(len(decisions), NO_RULE, np.int8)
    if not traces:
        return nearest
    bits = np.arange(len(traces))[:, None]
    judged = decisions.evaluable_mask >> bits & ~decisions.fired_mask >> bits & 1
    progress = np.nan_to_num(np.array([trace.progress for trace in traces]), nan=-1.0)
    progress[judged == 0] = -2.0
    rows = progress.max(axis=0) > -2.0
    nearest[rows] = progress.argmax(axis=0)[rows]
    return nearest


def _say(value: float, unit: str) -> str:
    """A value as a person says it: 2,910 minutes are two days."""
    if unit != "minutes":
        return _FIGURES.get(unit, "{:.2f}").format(value)
    if value >= 2 * MINUTES_PER_DAY:
        return f"{value / MINUTES_PER_DAY:.0f} days"
    return f"{value / 60:.1f} hours" if value >= 180 else f"{value:.0f} minutes"
