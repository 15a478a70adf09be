"""Clocks: the only code that asks for the present time."""
