"""Every benchmark in turn."""

from benchmarks import cboe, context, decide, imports, protocol, tick, what_if

for benchmark in (decide, what_if, context, cboe, tick, protocol, imports):
    benchmark.main()
