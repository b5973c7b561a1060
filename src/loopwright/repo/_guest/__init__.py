"""Programs that run inside sandboxes."""
