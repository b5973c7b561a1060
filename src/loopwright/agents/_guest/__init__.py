"""Programs for the sandboxes in which command-line agents work."""
