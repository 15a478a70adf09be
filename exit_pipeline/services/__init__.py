"""Use cases over ports: each op of the pipeline calls one of them."""
