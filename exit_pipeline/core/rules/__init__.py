"""Exit rules, one per file; the package is listed, so a new file is a new rule."""
