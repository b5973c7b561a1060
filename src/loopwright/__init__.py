"""Loopwright runs agentic self-refinement loops."""
