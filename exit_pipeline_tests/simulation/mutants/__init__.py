"""The tester is tested: mistakes put into the program one by one, each of which it must find.

Every mutant takes one safeguard of the order protocol out of the running program, nothing of whose
files is changed, and seeds are simulated until one of them breaks an invariant that it keeps
without the mutant. A mutant that survives is a hole in the simulator, unless another safeguard
catches what it lets through: then it is listed as harmless alone, with the safeguard's name, and a
pair that lacks both must be found instead.

- ``mutant``: what a mutant is, and how it changes the program.
- ``sending``, ``looking``, ``booking``, ``gates``, ``vendors``, ``telling``: the mutants, by what
  they break.
- ``catalogue``: all of them; ``hunt``: finds the seed that kills one; ``table``, ``__main__``.
- ``killed.json``: what the last full run found, for the report, and for the tests, which kill some
  of them again.
"""
