"""Say why: the complete trace of decisions, and the few sentences that are stored with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from exit_pipeline.core.engine.grade import grade_quotes
from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.model.book import Book
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


MINUTES_PER_DAY = 1_440


class RuleState(StrEnum):
    """What became of a rule in a decision."""

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


def describe_flags(flags: int) -> str:
    """The flags of a quote in words, such as "bid and ask far apart, an old quote"."""
    return ", ".join(words for flag, words in FLAG_WORDS.items() if flags & flag)


def explain(
    book: Book, policies: Sequence[Policy], decisions: Decisions
) -> list[tuple[RuleLine, ...]]:
    """The complete trace of each row: every rule of its policy, in order."""
    lines: list[tuple[RuleLine, ...]] = [()] * len(book)
    for index in np.unique(book.policy):
        policy = policies[index]
        rows = np.flatnonzero(book.policy == index)
        part = book.take(rows)
        marks = grade_quotes(part, policy.quotes)
        traces = [rule.trace(part, marks) for rule in policy.rules]
        for at, row in enumerate(rows):
            lines[row] = tuple(
                _line(rule, bit, trace, at, int(row), decisions)
                for bit, (rule, trace) in enumerate(zip(policy.rules, traces, strict=True))
            )
    return lines


def _line(
    rule: ExitRule, bit: int, trace: RuleTrace, at: int, row: int, decisions: Decisions
) -> RuleLine:
    state = _state(bit, row, decisions)
    observed, threshold = float(trace.observed[at]), float(trace.threshold[at])
    distance, note = float(trace.distance[at]), str(trace.note[at])
    text = rule.sentence.format(
        observed=_say(observed, trace.unit), threshold=_say(threshold, trace.unit)
    )
    if state is RuleState.NOT_EVALUABLE or np.isnan(observed):
        text = note or "an input is not known"
    elif note:
        text = note if np.isnan(distance) or not distance else f"{text} ({note})"
    return RuleLine(
        reason=rule.name.upper(),
        state=state,
        observed=observed,
        threshold=threshold,
        distance=distance,
        progress=float(trace.progress[at]),
        unit=trace.unit,
        text=text,
    )


def _say(value: float, unit: str) -> str:
    """A value as a person says it: 2,910 minutes are two days."""
    if unit == "%":
        return f"{value:+.1f} %"
    if unit != "minutes":
        return f"{value:.2f}"
    if value >= 2 * MINUTES_PER_DAY:
        return f"{value / MINUTES_PER_DAY:.0f} days"
    return f"{value / 60:.1f} hours" if value >= 180 else f"{value:.0f} minutes"


def _state(bit: int, row: int, decisions: Decisions) -> RuleState:
    if decisions.rule[row] == bit:
        return RuleState.DECIDED
    if decisions.fired_mask[row] >> bit & 1:
        return RuleState.OVERRULED
    if decisions.evaluable_mask[row] >> bit & 1:
        return RuleState.NOT_FIRED
    return RuleState.NOT_EVALUABLE


def sentences(row: int, lines: Sequence[RuleLine], book: Book, decisions: Decisions) -> list[str]:
    """What decided, in a few sentences; for a HOLD, the rule that came nearest."""
    said = [_outcome_sentence(row, lines, book, decisions)]
    overruled = [line.reason for line in lines if line.state is RuleState.OVERRULED]
    if overruled:
        said.append(f"Also due: {', '.join(overruled)}.")
    if decisions.grade[row] != QuoteGrade.GOOD:
        grade = QuoteGrade(int(decisions.grade[row])).name
        said.append(f"The quote is {grade}: {describe_flags(int(decisions.flags[row]))}.")
    blind = [line for line in lines if line.state is RuleState.NOT_EVALUABLE]
    if blind:
        grounds = ", ".join(f"{line.reason} ({line.text})" for line in blind)
        said.append(f"Not judged: {grounds}.")
    return said


def _outcome_sentence(row: int, lines: Sequence[RuleLine], book: Book, decisions: Decisions) -> str:
    rule = int(decisions.rule[row])
    if rule != NO_RULE:
        held, leaving = int(book.open_quantity[row]), int(decisions.quantity[row])
        share = "all" if decisions.outcome[row] == Outcome.FULL else f"{leaving} of {held}"
        return f"{lines[rule].reason} closes {share}: {lines[rule].text}."
    if decisions.flags[row] & QuoteFlag.EXPIRED_CONTRACT:
        return "Nothing can be sent: the contract no longer trades and awaits settlement."
    if book.open_quantity[row] <= 0:
        return "Nothing can be sent: nothing is held any more."
    judged = [line for line in lines if line.state is RuleState.NOT_FIRED]
    near = max(judged, key=lambda line: np.nan_to_num(line.progress, nan=-1.0), default=None)
    if near is None:
        return "Nothing could be judged."
    return f"Nothing is due. Nearest is {near.reason}: {near.text}."
