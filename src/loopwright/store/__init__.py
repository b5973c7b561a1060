"""The record of a run: events, artifacts, checkpoints."""

from loopwright.store._events import Event

__all__ = ["Event"]
