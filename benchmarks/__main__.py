"""Every benchmark in turn."""

from benchmarks import cboe, context, decide, imports, protocol, replay, tick

for benchmark in (decide, context, cboe, tick, protocol, replay, imports):
    benchmark.main()
