"""Runs that are killed at named points, in the midst of a tick, and what the next ticks make of it.

The product knows nothing of this: points are made around it, at its seams.
"""
