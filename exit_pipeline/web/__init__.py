"""The HTTP service: ``exit-pipeline serve``."""
