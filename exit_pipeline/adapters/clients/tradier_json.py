"""The quirks of Tradier's JSON: how many, which number, what time, and what was refused.

One element comes as an object and several as an array; none comes as null or as the text "null"
(docs.tradier.com, "Responses"), and an empty array can mean nothing else. A refusal of an order
comes with status 200 and ``errors``, a fault of the gateway with ``fault``. Numbers may be texts.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeAlias

from exit_pipeline.core.model.errors import UnavailableError

Json: TypeAlias = dict[str, Any]

ORDERS_PER_PAGE: Final = 1500
"""The most that one page of orders holds; without it the vendor lists 25."""

_MOST_PAGES: Final = 50
_NONE: Final[tuple[Any, ...]] = (None, "null", [])
_TOO_MANY: Final = 429
_TOTAL: Final = "total_orders"
_OF_THE_ORDER_SYSTEM: Final = ("OmsUnavailable", "OmsInternalError")
"""Error codes that speak of the order system and not of the order (docs.tradier.com, "Errors")."""

_MILLISECONDS_FROM: Final = 100_000_000_000
"""A unix time from here on is in milliseconds: as seconds it would be the year 5138, while in
milliseconds it is 1973. The vendor documents seconds and sends milliseconds."""


def every_page(read_page: Callable[[int], Json]) -> list[Json]:
    """All orders, over as many pages as there are, each once.

    Args:
        read_page: Reads a page by its number, from 1 on.

    Raises:
        UnavailableError: A page is missing, or fewer orders came than the vendor counts.
    """
    found: dict[str, Json] = {}
    pages = total = 0
    for at in range(1, _MOST_PAGES + 1):
        body = read_page(at)
        page, before = rows(body, "orders", "order"), len(found)
        found |= {str(row.get("id")): row for row in page}
        # A page beyond the last order is "null", and tells no counts.
        pages, total = max(pages, _count(body, "total_pages")), max(total, _count(body, _TOTAL))
        if at > 1 and len(found) == before and (page or at <= pages):
            break
        if at >= pages if pages else len(page) < ORDERS_PER_PAGE:
            if len(found) < total:
                break
            return list(found.values())
    message = "Tradier lists fewer orders than it counts, so what is missing may exist"
    raise UnavailableError(message)


def rows(body: Json, outer: str, inner: str) -> list[Json]:
    """The objects under ``outer.inner``, whether it holds none, one or several.

    Raises:
        UnavailableError: The answer has another shape.
    """
    found = items(body, outer, inner)
    if all(isinstance(row, dict) for row in found):
        return found
    raise _strange(outer)


def items(body: Json, outer: str, inner: str) -> list[Any]:
    """What stands under ``outer.inner``, whether it holds none, one or several.

    Raises:
        UnavailableError: The answer has another shape.
    """
    if outer not in body:
        raise _strange(outer)
    container = body[outer]
    if container in _NONE:
        return []
    if not isinstance(container, dict):
        raise _strange(outer)
    found = container.get(inner)
    if found is None or found == "null":
        return []
    return found if isinstance(found, list) else [found]


def _strange(what: str) -> UnavailableError:
    return UnavailableError(f"Tradier's answer has no {what} in the form that is expected")


def _count(body: Json, name: str) -> int:
    """A count, which may stand beside the orders or among them; 0 where there is none."""
    container = body.get("orders")
    inner = container.get(name) if isinstance(container, dict) else None
    return whole(body.get(name) if inner is None else inner) or 0


def refusing_words(body: Json) -> str:
    """The vendor's words where a body says that something failed; nothing otherwise."""
    fault = body.get("fault")
    if isinstance(fault, dict):
        return str(fault.get("faultstring") or "fault")
    errors = body.get("errors")
    if isinstance(errors, dict):
        errors = errors.get("error") or "refused without a reason"
    if isinstance(errors, list):
        return "; ".join(str(error) for error in errors)
    if errors and errors != "null":
        return str(errors)
    return "refused without a reason" if body.get("result") is False else ""


def is_undecided(body: Any) -> bool:
    """Whether an answer to an order leaves open if the order was taken, though it says no.

    The gateway and the order system behind it can fail after an order has passed them.
    """
    if not isinstance(body, dict):
        return False
    words = refusing_words(body)
    return "fault" in body or any(code in words for code in _OF_THE_ORDER_SYSTEM)


def is_over_quota(status: int | None, body: Any) -> bool:
    """Whether an answer is the gateway's own word that it passed nothing on, for its rate limit.

    A 429 of another form, or of something before the gateway, says nothing of the request.
    """
    return status == _TOO_MANY and isinstance(body, dict) and "fault" in body


def number(value: Any) -> Decimal | None:
    """A finite number, by its shortest decimal form; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def whole(value: Any) -> int | None:
    """A whole number, such as contracts written as 3.0; None where it is none."""
    found = number(value)
    return None if found is None or found != int(found) else int(found)


def unix_time(value: Any) -> datetime | None:
    """A moment given as unix time in seconds or milliseconds; None for 0 and what is none."""
    found = number(value)
    if found is None or found <= 0:
        return None
    seconds = found / 1000 if found >= _MILLISECONDS_FROM else found
    try:
        return datetime.fromtimestamp(float(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def iso_time(value: Any) -> datetime | None:
    """A moment given in ISO 8601, UTC where it names no zone; None where it is none."""
    try:
        found = datetime.fromisoformat(str(value))
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
