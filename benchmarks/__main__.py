"""Every benchmark in turn."""

from benchmarks import cboe, decide, imports, tick

for benchmark in (decide, cboe, tick, imports):
    benchmark.main()
