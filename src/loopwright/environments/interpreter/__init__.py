"""The `interpreter` environment: a candidate is Python code, action by action; the submitted function counts."""

from loopwright.environments.interpreter._environment import InterpreterEnvironment

__all__ = ["InterpreterEnvironment"]
