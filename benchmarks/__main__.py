"""Every benchmark in turn."""

from benchmarks import cboe, context, decide, http, imports, protocol, replay, tick, what_if

for benchmark in (decide, what_if, context, cboe, tick, http, protocol, replay, imports):
    benchmark.main()
