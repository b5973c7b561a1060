"""Places where candidates are executed."""

from loopwright.environments._types import Environment, EnvironmentSetup, Observation

__all__ = ["Environment", "EnvironmentSetup", "Observation"]
