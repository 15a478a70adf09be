"""Every benchmark in turn."""

from benchmarks import cboe, context, decide, imports, protocol, tick

for benchmark in (decide, context, cboe, tick, protocol, imports):
    benchmark.main()
