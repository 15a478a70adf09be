"""Every benchmark in turn."""

from benchmarks import cboe, context, decide, imports, tick

for benchmark in (decide, context, cboe, tick, imports):
    benchmark.main()
