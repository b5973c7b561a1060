"""Adds up a bill."""
