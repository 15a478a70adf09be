"""The listed options of Alpaca's trading host, with their open interest, page by page."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from exit_pipeline.core.model.contract import OptionRight, parse_contract


def contract_row(symbol: str, open_interest: int | None, as_of: date) -> dict[str, Any]:
    """A contract as the vendor writes it; one without open interest lacks both of its fields."""
    contract = parse_contract(symbol)
    right = "call" if contract.right is OptionRight.CALL else "put"
    told = {"open_interest": str(open_interest), "open_interest_date": as_of.isoformat()}
    return {
        "id": str(UUID(int=(4 << 76) + (8 << 60) + 9)),
        "symbol": symbol,
        "name": f"{contract.underlying} {contract.expiration} {contract.strike} {right}",
        "status": "active",
        "tradable": True,
        "expiration_date": contract.expiration.isoformat(),
        "root_symbol": contract.root,
        "underlying_symbol": contract.underlying,
        "underlying_asset_id": str(UUID(int=(4 << 76) + (8 << 60) + 8)),
        "type": right,
        "style": "american",
        "strike_price": f"{contract.strike}",
        "multiplier": "100",
        "size": "100",
    } | (told if open_interest is not None else {})


def contract_page(
    rows: Sequence[Mapping[str, Any]], query: Mapping[str, str], most: int
) -> dict[str, Any]:
    """What the vendor answers; without a last day it lists only what expires this week.

    Args:
        rows: Every contract.
        query: As it was sent.
        most: The most rows on a page, whatever is asked for.
    """
    underlyings = query["underlying_symbols"].split(",")
    first, last = query["expiration_date_gte"], query["expiration_date_lte"]
    found = [
        row
        for row in rows
        if row["underlying_symbol"] in underlyings and first <= row["expiration_date"] <= last
    ]
    start = int(query.get("page_token", "0"))
    end = start + min(int(query.get("limit", "100")), most)
    token = str(end) if end < len(found) else None
    return {"option_contracts": found[start:end], "next_page_token": token}
