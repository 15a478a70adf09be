"""Every benchmark in turn."""

from benchmarks import cboe, decide, imports, protocol, tick

for benchmark in (decide, cboe, tick, protocol, imports):
    benchmark.main()
