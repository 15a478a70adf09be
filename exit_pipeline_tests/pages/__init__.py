"""Pages, and what is on them."""
