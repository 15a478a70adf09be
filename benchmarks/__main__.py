"""Every benchmark in turn."""

from benchmarks import cboe, context, decide, imports, protocol, replay, tick, what_if

for benchmark in (decide, what_if, context, cboe, tick, protocol, replay, imports):
    benchmark.main()
