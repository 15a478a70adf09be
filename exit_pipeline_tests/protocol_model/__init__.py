"""A small model of the order protocol, explored to the last state.

The simulator tries the real code with many random histories; this tries an abstract protocol with
*all* histories within small bounds: every interleaving of workers, broker, network and crashes. It
shows which rules make "sent once, never lost" true, and by the shortest history what goes wrong
without each of them. ``python -m exit_pipeline_tests.protocol_model`` prints the table.

The bounds: up to three workers, three contracts, three orders, two crashes and one lost session, as
each row of ``table.py`` says; where a row has fewer, more took longer and showed nothing else.

What is abstracted, and what this therefore can't show:

- One position of a few contracts, always closed in full by one order. Prices, urgency, several
  positions of one contract and legs are left out.
- Time has no length. A deadline, a lease or a quarantine may pass at any moment that its meaning
  allows: the quarantine of an order passes only when no POST of it travels any more and what has
  arrived is shown, so it must be longer than any delay of network and broker. Whether the seconds
  that the product uses are long enough is not a question that this can answer.
- A lease may be lost at every step, which is more than happens: each step that an idle worker
  begins takes the account over from whoever held it.
- A transaction is one step and the database loses no committed one. A worker that learns nothing
  from a POST (time-out, reset, 5xx, unreadable body) and one whose commit of the answer fails are
  the same.
- Late reports are as hostile as can be: an order may be shown as ended before any of its fills.
- The broker's list of positions knows an execution no later than the end of its order, even where
  the order's own report is late. Were both late, only the broker's own quantity guard would help.
- An idempotent broker refuses an id that it has seen without any delay, even before it shows it.
- "Fills are booked" means their quantities: an execution is one contract.
"""
