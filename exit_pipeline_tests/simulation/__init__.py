"""A deterministic simulator of whole trading days, with everything that can go wrong in them.

One number, the seed, fixes all of it: the clock, the market, the broker's ledger, what fails and
when, and who runs what at the same time. What runs is real: the decision code, the services, the
adapters' HTTP code (over a transport in this process instead of a socket) and PostgreSQL. After
every step the invariants of the order protocol are judged from the broker's ledger and from the
database, never from what the program believes.

Which file does what:

- ``engine``: the only file that calls the program; one engine is one process of it.
- ``timeline``, ``market``, ``feed``, ``venues``: time, prices, what is shown of them, the brokers.
- ``faults``, ``plan``: what can go wrong, and what does in one seed.
- ``network``, ``sessions``, ``probes``: where faults strike: on the wire, in the database, between
  any two steps.
- ``invariants``, ``postings``, ``liveness``: what must hold always, at every order sent, in the end.
- ``simulator``: one seed from the opening to the verdict; ``shrink``, ``report``, ``__main__``: many.
"""
