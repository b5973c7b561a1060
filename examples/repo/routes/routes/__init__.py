"""Finds the page for a path."""
