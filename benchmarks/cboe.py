"""Parse a Cboe chain of the S&P 500's size into columns, beside json and a DataFrame."""

import gc
import json
import statistics
import timeit
from collections.abc import Callable

import numpy as np
import pandas as pd

from exit_pipeline.adapters.clients.cboe import COLUMNS, parse_chain

EXPIRATIONS = [f"26{month:02}{day:02}" for month in range(1, 13) for day in (5, 12, 19, 26)][:30]


def chain(contracts: int = 30_000) -> bytes:
    """A made-up body of the vendor's form: every field, about 13 MB."""
    random = np.random.default_rng(7)
    data = {
        "options": [option(index, random) for index in range(contracts)],
        "symbol": "^SPX",
        "security_type": "index",
        "current_price": 7383.46,
        "close": 7383.46,
        "last_trade_time": "2026-07-10T10:15:04",
    }
    body = {"timestamp": "2026-07-10 14:31:12", "data": data, "symbol": "_SPX"}
    return json.dumps(body).encode()


def option(index: int, random: np.random.Generator) -> dict[str, object]:
    day, strike = EXPIRATIONS[index % len(EXPIRATIONS)], 1_000 + 5 * (index // 60)
    root = "SPX" if index % 3 == 0 else "SPXW"
    price, figures = random.uniform(0, 400, 8).round(2), random.uniform(0, 1, 7).round(4)
    return {
        "option": f"{root}{day}{'CP'[index // 30 % 2]}{strike * 1000:08d}",
        "bid": price[0],
        "bid_size": float(index % 300),
        "ask": price[0] + 0.5,
        "ask_size": float(index % 200),
        "iv": figures[0],
        "open_interest": float(index % 20_000),
        "volume": float(index % 900),
        "delta": figures[1],
        "gamma": figures[2],
        "vega": figures[3],
        "theta": -figures[4],
        "rho": figures[5],
        "theo": price[1],
        "change": price[2],
        "open": price[3],
        "high": price[4],
        "low": price[5],
        "tick": "no_change",
        "last_trade_price": price[6],
        "last_trade_time": "2026-07-10T10:14:40" if index % 4 else None,
        "percent_change": figures[6] * 100,
        "prev_day_close": float(np.float32(price[7])),
    }


def with_dataframe(body: bytes) -> dict[str, np.ndarray]:
    """What most readers of these files do."""
    frame = pd.DataFrame(json.loads(body)["data"]["options"])
    return {name: frame[name].to_numpy() for name in COLUMNS}


def seconds(work: Callable[[], object], runs: int) -> float:
    """The median of several runs, with the garbage collector on as in any program."""
    return statistics.median(timeit.repeat(work, gc.enable, number=1, repeat=runs))


def main(runs: int = 9) -> None:
    """Print the ratio."""
    body = chain()
    parsed, expected = parse_chain(body), with_dataframe(body)
    for name in COLUMNS:
        np.testing.assert_array_equal(parsed.columns[name], expected[name])
    ours = seconds(lambda: parse_chain(body), runs)
    theirs = seconds(lambda: with_dataframe(body), runs)
    print(f"a Cboe chain into columns: {len(parsed.symbols):,} contracts, {len(body) / 1e6:.1f} MB")
    print("  json and a DataFrame                         1.00")
    print(f"  ours                                         {ours / theirs:.2f}  (aim: 0.25)")


if __name__ == "__main__":
    main()
