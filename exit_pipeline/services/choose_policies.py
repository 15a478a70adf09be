"""Which policy each position of a tick is under, and what can't be decided at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.engine.policy_text import combine_policies, named_policy
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.policy_layer import EXIT_RULES, PolicyLibrary
from exit_pipeline.core.model.position import Position
from exit_pipeline.core.model.quote import MarketSnapshot
from exit_pipeline.ports import Database
from exit_pipeline.services.exit_rules import with_exit_rules
from exit_pipeline.services.tick import ContextTick, OpenTick


@dataclass(slots=True, kw_only=True)
class ChosenPolicies:
    """The policies of a tick.

    Attributes:
        policies: The distinct ones; one where no position can be decided.
        decided: The positions that can be decided, the rows of the book.
        policy_of_row: Index among the policies, by row.
        origins: Who stated what ``default`` does not, by row: policies that decide alike may have
            their values from elsewhere.
        faults: Positions that can't be decided, with the reason.
    """

    policies: list[Policy] = field(default_factory=list)
    decided: list[Position] = field(default_factory=list)
    policy_of_row: list[int] = field(default_factory=list)
    origins: list[Mapping[str, str]] = field(default_factory=list)
    faults: list[tuple[Position, str]] = field(default_factory=list)


def choose_policies(known: ContextTick, *, database: Database) -> ChosenPolicies:
    """The policy of each position: what its own text says, and over that what the launch says.

    The table ``exit_rules`` is read once, and only where one of them stands on it.
    """
    tick, chosen = known.tick, ChosenPolicies()
    launched_with = tick.request.policy
    texts = list(dict.fromkeys(position.policy for position in tick.positions))
    found = _by_text(texts, launched_with, _library(tick, texts, database))
    indices: dict[Policy, int] = {}
    for position in tick.positions:
        policy = found[position.policy]
        if isinstance(policy, str):
            chosen.faults.append((position, policy))
        elif sentence := _why_not_standard(position, known.market):
            chosen.faults.append((position, sentence))
        else:
            chosen.policy_of_row.append(indices.setdefault(policy, len(indices)))
            chosen.origins.append(policy.own_origins)
            chosen.decided.append(position)
    chosen.policies = list(indices) or [combine_policies({}, tick.request.policies)]
    return chosen


def _library(tick: OpenTick, texts: Sequence[str | None], database: Database) -> PolicyLibrary:
    library, launched_with = tick.request.policies, tick.request.policy
    # A text that another one is laid over must be readable too, so that any that names it counts.
    if any(EXIT_RULES in map(named_policy, (text, launched_with)) for text in texts):
        environment = tick.identity.environment
        return with_exit_rules(library, database=database, environment=environment)
    return library


def _by_text(
    texts: Sequence[str | None], launched_with: str | None, library: PolicyLibrary
) -> dict[str | None, Policy | str]:
    """The policy of each distinct text, or the sentence why there is none."""
    found: dict[str | None, Policy | str] = {}
    for text in texts:
        try:
            found[text] = combine_policies({"position": text, "launch": launched_with}, library)
        except InputError as error:
            found[text] = str(error)
    return found


def _why_not_standard(position: Position, market: MarketSnapshot) -> str:
    """Why 100 shares are not what a contract delivers, so that its P&L is not known; or nothing."""
    contract = position.contract
    if contract is None:
        return ""
    if contract.is_adjusted:
        return f"{contract.symbol} is adjusted: what it delivers is not 100 shares"
    quote = market.quotes.get(contract.symbol)
    if quote is None or quote.is_standard:
        return ""
    return f"{contract.symbol} is for {quote.contract_size} shares as {market.source} says, not 100"
