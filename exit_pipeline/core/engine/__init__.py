"""Policies, and the decision over the whole book that they make."""
