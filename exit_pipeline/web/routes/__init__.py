"""What can be asked of the service, a file for each group, and none aware of another."""
