"""Ways to people; see ``ports.notifier``."""
