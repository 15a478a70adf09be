"""The HTTP service, from its parts to the whole."""
