"""What is known of the market around a position: pure functions of what was read, and how old."""
