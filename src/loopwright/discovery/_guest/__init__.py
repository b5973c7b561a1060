"""Programs of discovery that run inside sandboxes."""
