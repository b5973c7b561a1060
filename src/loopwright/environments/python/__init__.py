"""The `python` environment: a candidate is files, judged by tests."""

from loopwright.environments.python._environment import PythonEnvironment

__all__ = ["PythonEnvironment"]
