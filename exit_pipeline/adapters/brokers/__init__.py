"""Brokers, one per file; the file's name is the value of EXIT_BROKER."""
