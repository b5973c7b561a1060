"""Places where candidates are executed."""

from loopwright.environments._types import Environment, Observation

__all__ = ["Environment", "Observation"]
