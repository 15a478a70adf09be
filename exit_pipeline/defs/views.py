"""What a run shows in the UI: tables and figures as Dagster metadata."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import dagster as dg

from exit_pipeline.core.engine.explain import describe_flags
from exit_pipeline.core.model.price import say_dollars
from exit_pipeline.core.model.quote import QuoteGrade
from exit_pipeline.core.model.record import StoredDecision
from exit_pipeline.services.shadow import differing
from exit_pipeline.services.tick import (
    DecidedTick,
    ExecutedTick,
    MarketTick,
    OpenTick,
)

ROWS_SHOWN = 200
"""Rows of a table that are kept with a run; the database keeps all of them."""

NAMES_SHOWN = 20
"""Positions that are named in one cell of a table."""

_MARKUP: Final = re.compile(r"[\\`*\[\]<>#|~&!]|(?<!\w)_|_(?!\w)")
"""Signs by which Markdown begins something; a backslash before one makes it a sign again. Between
letters, as in the names of settings, an underscore begins nothing."""

Metadata = dict[str, Any]


def positions(tick: OpenTick) -> Metadata:
    """The positions to be decided, and why there may be none."""
    rows = [
        {
            "position": one.id,
            "account": one.account or "",
            "contract": one.contract.symbol if one.contract else "not known",
            "side": one.side.value,
            "open": one.open_quantity,
            "entry": say_dollars(one.entry_price),
        }
        for one in tick.positions
    ]
    return {
        "trading": tick.control.state.value if tick.control else "ACTIVE",
        "environment": tick.identity.environment,
        "tick_at": tick.identity.tick_at.isoformat(),
        "positions": len(rows),
        "notes": dg.MetadataValue.md(bullets(tick.notes)),
        "table": table(rows),
    }


def market(seen: MarketTick) -> Metadata:
    """Prices by underlying, and how old they are."""
    tick, snapshot = seen.tick, seen.market
    rows = [
        {
            "symbol": symbol,
            "last": str(price.last),
            "age_seconds": int((tick.at - price.quoted_at).total_seconds()),
        }
        for symbol, price in sorted(snapshot.underlyings.items())
    ]
    return {
        "source": snapshot.source,
        "quotes": len(snapshot.quotes),
        "notes": dg.MetadataValue.md(bullets([note.message for note in snapshot.notes])),
        "underlyings": table(rows),
    }


def decisions(decided: DecidedTick) -> Metadata:
    """Every decision with its reason, exits first; refused quotes; and shadow policies, if any."""
    ordered = sorted(decided.stored, key=lambda one: (one.decision == "HOLD", one.position_id))
    refused = [
        {
            "position": one.position_id,
            "contract": one.option_symbol or "not known",
            "bid": say_dollars(one.bid),
            "ask": say_dollars(one.ask),
            "why": describe_flags(one.quote_flags),
        }
        for one in ordered
        if one.quote_grade == QuoteGrade.BAD.name
    ]
    return {
        "decisions": table([decision_row(one) for one in ordered]),
        "exits": sum(one.decision == "EXIT" for one in decided.stored),
        "holds": sum(one.decision == "HOLD" for one in decided.stored),
        "quotes_refused": len(refused),
        "refused": table(refused),
        **_shadows(decided),
    }


def decision_row(one: StoredDecision) -> dict[str, Any]:
    """One decision: what it does, on which market, and why."""
    return {
        "position": one.position_id,
        "contract": one.option_symbol or "not known",
        "held": f"{one.side.lower()} {one.open_quantity}",
        "decision": f"close {one.exit_quantity}" if one.decision == "EXIT" else "hold",
        "entry": say_dollars(one.entry_price),
        "mark": say_dollars(one.mark),
        "P&L": "-" if one.pnl_percent is None else f"{one.pnl_percent:+.1f} %",
        "reason": (one.exit_reason or "").replace("_", " "),
        "why": " ".join(one.reasoning),
    }


def exit_rows(decided: Sequence[StoredDecision]) -> list[dict[str, Any]]:
    """The exits among decisions, by position."""
    return [
        decision_row(one)
        for one in sorted(decided, key=lambda one: one.position_id)
        if one.decision == "EXIT"
    ]


def _shadows(decided: DecidedTick) -> Metadata:
    """What each shadow policy would close now, and where that is not what is really closed."""
    rows = [
        {
            "policy": name,
            "text": decided.tick.request.shadow_policies.get(name, ""),
            "exits": sum(
                one.name == name and one.decision == "EXIT" for one in decided.shadow_decisions
            ),
            "differing": len(ids),
            "positions": _listed(ids),
        }
        for name, ids in differing(decided.shadow_decisions, decided.stored).items()
    ]
    return {"shadow_policies": table(rows)} if rows else {}


def _listed(ids: Sequence[str]) -> str:
    more = len(ids) - NAMES_SHOWN
    return ", ".join(ids[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def executed(tick: ExecutedTick) -> Metadata:
    """Why due exits were not sent."""
    rows = [{"position": position, "note": note} for position, note in sorted(tick.notes.items())]
    return {"not_sent": len(rows), "notes": table(rows)}


def table(rows: Sequence[Mapping[str, Any]]) -> dg.MetadataValue[Any]:
    """Rows as a table; the first ``ROWS_SHOWN`` of them."""
    if not rows:
        return dg.MetadataValue.text("none")
    return dg.MetadataValue.table([dg.TableRecord(dict(row)) for row in rows[:ROWS_SHOWN]])


def in_lines(lines: Sequence[str]) -> dg.MetadataValue[Any]:
    """Lines as a list that the UI renders."""
    return dg.MetadataValue.md(bullets(lines))


def bullets(lines: Sequence[str]) -> str:
    """Lines as a list in Markdown, in which nothing that they name is markup."""
    plain = (_MARKUP.sub(r"\\\g<0>", " ".join(line.split())) for line in lines)
    return "\n".join(f"- {line}" for line in plain) or "nothing to note"
