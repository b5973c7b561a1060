"""Formats of other people's tools, one module each."""
