"""What gets lost between an engine and the paper broker."""

from typing import Any

from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.core.model.order import OrderReport, OrderRequest, OrderSide
from exit_pipeline_tests.simulation import venues
from exit_pipeline_tests.simulation.network import TIMEOUT_SECONDS, Wire
from exit_pipeline_tests.simulation.venues import Posted

_KINDS = {
    "cancel": venues.CANCEL,
    "find_order": venues.FIND,
    "working_orders": venues.LIST,
    "positions": venues.POSITIONS,
}


class PaperWire:
    """The paper broker, some of whose calls or answers are lost.

    Args:
        broker: The broker.
        wire: What waits to strike.
        world: Told of each order that arrives.
    """

    def __init__(self, broker: Any, wire: Wire, world: Any) -> None:
        self._broker = broker
        self._wire = wire
        self._world = world

    def submit(self, request: OrderRequest, *rest: Any) -> OrderReport:
        """Judge an order as it arrives: what the broker is asked for too late it takes no more."""
        now, send_by = self._world.wall.now(), rest[0] if rest else None
        if send_by is None or now <= send_by:
            sells = request.side is OrderSide.SELL_TO_CLOSE
            self._world.postings.judge(
                Posted(
                    request.client_order_id,
                    request.symbol,
                    sells,
                    request.quantity,
                    request.limit_price,
                )
            )
        answer: OrderReport = self._carry(venues.POST, "submit", request, *rest)
        return answer

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._broker, name)
        if name not in _KINDS:
            return found
        return lambda *args: self._carry(_KINDS[name], name, *args)

    def _carry(self, kind: str, name: str, *args: Any) -> Any:
        self._world.timeline.advance(0.01)
        planned = self._wire.take(kind)
        what = planned.kind.what if planned else ""
        answer = None
        if what != "lost_request":
            answer = getattr(self._broker, name)(*args)
        if not what:
            return answer
        self._world.timeline.advance(TIMEOUT_SECONDS)
        message = f"the answer to {name} is lost"
        raise UnavailableError(message)
