"""The pure decision core: no IO, clock, logging, randomness or framework."""
