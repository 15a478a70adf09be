"""Pictures of the context, as PNG; matplotlib is imported with the first one that is drawn."""
