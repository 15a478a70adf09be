"""Recorded decisions once more: as they were made, and as another policy would have made them."""
