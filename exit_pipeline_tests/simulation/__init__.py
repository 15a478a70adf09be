"""A deterministic simulator of whole trading days, with everything that can go wrong in them.

One number, the seed, fixes all of it: the clock, the market, the broker's ledger, what fails and
when, and who runs what at the same time. What runs is real: the decision code, the services, the
adapters' HTTP code (over a transport in this process instead of a socket) and PostgreSQL. After
every step the invariants of the order protocol are judged from the broker's ledger and from the
database, never from what the program believes.

Which file does what:

- ``engine``: the only file that calls the program; one engine is one process of it.
- ``timeline``, ``market``, ``feed``, ``venues``: time, prices, what is shown of them, the brokers.
- ``faults``, ``themes``, ``plan``: what can go wrong, again and again on some days, and what does
  in one seed.
- ``network``, ``sessions``, ``points``: where faults strike: on the wire, in the database, between
  any two steps; ``strikes``: how each of them comes about.
- ``invariants``, ``decisions``, ``postings``, ``leaks``, ``liveness``: what must hold after every
  step, at every order that leaves, and in the end.
- ``simulator``: one seed from the opening to the verdict.
- ``workers``, ``shrink``, ``coverage``, ``report``, ``__main__``: many of them.
"""
