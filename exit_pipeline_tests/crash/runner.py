"""Runs single ticks, each in a process of its own that may be told to kill itself.

``python -m exit_pipeline_tests.crash.runner`` reads one order for a tick as JSON from each line of
its input and answers each with a line. It imports everything once and forks for each tick, since
the start of an interpreter takes longer than the tick.

The environment variable ``CRASH_AT`` of a tick's process is a point and the how-manieth passing of
it, such as ``broker.submit.written 1``.
"""

import json
import logging
import os
import sys
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Engine

from exit_pipeline.adapters.brokers import alpaca, tradier
from exit_pipeline.adapters.brokers.paper import PaperBroker
from exit_pipeline.adapters.clients.postgres_engine import make_engine
from exit_pipeline.adapters.database.postgres.database import PostgresDatabase
from exit_pipeline.core.engine.check_orders import OrderLimits
from exit_pipeline.core.model.quote import Quote
from exit_pipeline.ports import Surroundings
from exit_pipeline.services.close_tick import close_tick
from exit_pipeline.services.context import build_context
from exit_pipeline.services.decide_tick import decide_tick
from exit_pipeline.services.market import fetch_market
from exit_pipeline.services.open_tick import open_tick
from exit_pipeline.services.submit import execute_tick
from exit_pipeline.services.tick import TickRequest
from exit_pipeline_tests.crash.points import Watch, Watched, watch_commits, watch_requests
from exit_pipeline_tests.fakes import FakeCalendar, FakeMarketData, FixedClock

CRASH_AT: Final = "CRASH_AT"


def run_tick(order: Mapping[str, Any], watch: Watch) -> None:
    """One tick of the services, as the job's ops call them one after the other."""
    clock = FixedClock(datetime.fromisoformat(order["now"]))
    engine = make_engine(order["database_url"])
    watch_commits(engine, watch)
    watch_requests(watch)
    database: Any = Watched(PostgresDatabase(engine), "", watch)
    market, exchange = (_market(order, name) for name in ("market", "exchange"))
    calendar = FakeCalendar()
    made = _broker(order, engine, clock, market, exchange)
    broker: Any = Watched(made, "broker", watch)
    request = TickRequest(
        run_key=order["run_key"], tick_at=datetime.fromisoformat(order["tick_at"])
    )
    try:
        tick = open_tick(
            request,
            broker=broker,
            database=database,
            market_data=market,
            calendar=calendar,
            clock=clock,
        )
        seen = fetch_market(tick, market_data=market, database=database, clock=clock)
        known = build_context(seen, market_data=market, database=database, calendar=calendar)
        decided = decide_tick(known, database=database, calendar=calendar)
        executed = execute_tick(
            decided, broker=broker, database=database, clock=clock, limits=OrderLimits()
        )
        close_tick(executed, database=database)
    except Exception as error:
        # As an op does it.
        database.runs.fail(request.run_key, str(error))
        raise


def _broker(
    order: Mapping[str, Any],
    engine: Engine,
    clock: FixedClock,
    market: FakeMarketData,
    exchange: FakeMarketData,
) -> Any:
    calendar = FakeCalendar()
    if order["broker"] == "paper":
        return PaperBroker(engine, exchange, clock, "paper", calendar=calendar)
    module = {"alpaca": alpaca, "tradier": tradier}[order["broker"]]
    return module.build(
        Surroundings(
            environ=order["environ"],
            clock=clock,
            calendar=calendar,
            environment="paper",
            database_url=order["database_url"],
            market_data=market,
        )
    )


def _market(order: Mapping[str, Any], name: str) -> FakeMarketData:
    market = FakeMarketData(is_live=True)
    quoted_at = datetime.fromisoformat(order["quoted_at"])
    market.add_price("ACME", order["share"], quoted_at)
    for symbol, (bid, ask) in order[name].items():
        # What a tick sees has no size; it bounds what the paper exchange gives.
        size = order["size"] if name == "exchange" else None
        quote = Quote(
            symbol=symbol,
            bid=Decimal(bid),
            ask=Decimal(ask),
            bid_size=size,
            ask_size=size,
            quoted_at=quoted_at,
        )
        market.add_quote(quote)
    return market


def _fork(line: str) -> dict[str, Any]:
    """Run a tick in a child; what it says, or that it was killed."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reads)
        _be_the_child(json.loads(line), writes)
    os.close(writes)
    with os.fdopen(reads) as said:
        answer = said.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return {"killed": True, "passed": {}, "error": ""}
    return {"killed": False, **json.loads(answer)}


def _be_the_child(order: Mapping[str, Any], writes: int) -> None:
    if order["crash_at"]:
        os.environ[CRASH_AT] = order["crash_at"]
    point, _, times = os.environ.get(CRASH_AT, "").partition(" ")
    watch = Watch(point or None, int(times or 1))
    error = ""
    try:
        run_tick(order, watch)
    except Exception as fault:  # the parent judges it
        error = f"{type(fault).__name__}: {fault}"
    os.write(writes, json.dumps({"passed": watch.passed, "error": error}).encode())
    os._exit(0)


if __name__ == "__main__":
    # What a dying tick says of it is not what is judged.
    logging.getLogger().addHandler(logging.NullHandler())
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_fork(line)) + "\n")
        sys.stdout.flush()
