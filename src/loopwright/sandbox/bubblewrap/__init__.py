"""Sandboxes made of Linux namespaces by bubblewrap."""
