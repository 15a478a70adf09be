"""exit_pipeline: leaves option positions well, and can say afterwards why."""
