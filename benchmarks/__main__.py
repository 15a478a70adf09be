"""Every benchmark in turn."""

from benchmarks import decide, imports, tick

for benchmark in (decide, tick, imports):
    benchmark.main()
