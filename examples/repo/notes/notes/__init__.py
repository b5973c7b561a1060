"""Keeps notes in a text file."""
