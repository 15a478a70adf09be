"""Tradier's list of the session's orders, asked for no oftener than it is needed."""

from datetime import datetime, timedelta
from typing import Final

from exit_pipeline.adapters.clients.tradier import TradierClient
from exit_pipeline.adapters.clients.tradier_json import Json
from exit_pipeline.adapters.clients.tradier_orders import tagged
from exit_pipeline.ports import Clock

_IS_GOOD_FOR: Final = timedelta(seconds=10)
"""How long a listing tells that a tag is new. Only this process sends under an account's lease, and
it knows its own tags, so that listing before each order would only use up the limit."""

_IS_SHARED_FOR: Final = timedelta(seconds=1)
"""Looks at orders less than this apart share a listing, unless an order or a cancel went out in
between: a tick looks at each of its orders, and a listing has them all."""


class Listing:
    """The session's orders of one account.

    Every read raises ``UnavailableError`` where no complete list came, and ``ConfigurationError``
    where the key is refused.

    Args:
        client: Requests to the vendor.
        account: Whose orders; another account is not asked for and has none.
        clock: Tells how old a listing is.
    """

    def __init__(self, client: TradierClient, account: str, clock: Clock) -> None:
        self._client: Final = client
        self._account: Final = account
        self._clock: Final = clock
        self._listed_at: datetime | None = None
        self._orders: list[Json] = []
        self._is_current = False

    def orders(self, account: str, *, urgent: bool = False, anew: bool = False) -> list[Json]:
        """The orders of now, or of a moment ago where nothing was sent since.

        Args:
            account: Whose.
            urgent: The request may use the reserve.
            anew: Never those of a moment ago.
        """
        if account != self._account:
            return []
        now = self._clock.now()
        if anew or not self._is_current or not self._is_younger(_IS_SHARED_FOR, now):
            self._orders = self._client.orders(account, urgent=urgent)
            self._listed_at, self._is_current = now, True
        return self._orders

    def has(self, tag: str, *, anew: bool = False) -> bool:
        """Whether an order has a tag, by a listing of the last seconds or, with `anew`, of now."""
        if anew or not self._is_younger(_IS_GOOD_FOR, self._clock.now()):
            self.orders(self._account, anew=True)
        return bool(tagged(self._orders, tag))

    def outdate(self) -> None:
        """Say that an order or a cancel went out, so that the next look is a new one."""
        self._is_current = False

    def _is_younger(self, limit: timedelta, now: datetime) -> bool:
        listed_at = self._listed_at
        return listed_at is not None and timedelta(0) <= now - listed_at < limit
