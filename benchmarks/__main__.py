"""Every benchmark in turn."""

from benchmarks import cboe, context, day, decide, http, imports, protocol, replay, tick, what_if

for benchmark in (decide, what_if, context, cboe, tick, day, http, protocol, replay, imports):
    benchmark.main()
