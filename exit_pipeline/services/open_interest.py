"""Open interest for quotes that come without it: asked for once a day, and kept."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from exit_pipeline.core.model.contract import OptionContract, parse_contract
from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError
from exit_pipeline.core.model.quote import MarketSnapshot, SourceNote
from exit_pipeline.ports import Database, MarketData, TellsOpenInterest


def with_open_interest(
    market: MarketSnapshot, session_day: date, *, market_data: MarketData, database: Database
) -> MarketSnapshot:
    """The snapshot with open interest on each quote that lacks its own, as far as it is known.

    It is a figure of the evening before, so a contract is asked about until the source has answered
    once on the session's day, be it that it has none; what is kept serves the day's other ticks. A
    source that does not answer is asked again by the next tick, costs nothing but the figures, and
    is noted.

    Args:
        market: What the tick saw.
        session_day: Date of the session, in exchange time.
        market_data: The source of the snapshot; one that tells no open interest is not asked.
        database: Where answers are kept.
    """
    lacking = [symbol for symbol, quote in market.quotes.items() if quote.open_interest is None]
    if not lacking or not isinstance(market_data, TellsOpenInterest):
        return market
    known = database.open_interest.told_on(session_day, lacking)
    asked = [parse_contract(symbol) for symbol in lacking if symbol not in known]
    if asked:
        try:
            known |= _ask(asked, session_day, market_data.source, market_data, database)
        except (UnavailableError, ConfigurationError) as error:
            subject = f"{market_data.source}: open interest"
            note = SourceNote(cause="NOT_ANSWERED", subject=subject, message=str(error))
            market = replace(market, notes=(*market.notes, note))
    quotes = {
        symbol: replace(quote, open_interest=known[symbol]) if known.get(symbol) is not None
        else quote
        for symbol, quote in market.quotes.items()
    }  # fmt: skip
    return replace(market, quotes=quotes)


def _ask(
    contracts: Sequence[OptionContract],
    session_day: date,
    source: str,
    teller: TellsOpenInterest,
    database: Database,
) -> dict[str, int | None]:
    """Ask about contracts and keep the answer; returns it by symbol, None where there is none."""
    days = [contract.expiration for contract in contracts]
    told = teller.open_contracts(
        sorted({contract.underlying for contract in contracts}), min(days), max(days)
    )
    if told is None:
        return {}
    wanted = {contract.symbol for contract in contracts}
    found = {one.symbol: one for one in told if one.symbol in wanted}
    without = sorted(wanted - found.keys())
    database.open_interest.record(source, session_day, list(found.values()), without)
    return {symbol: one.open_interest for symbol, one in found.items()}
