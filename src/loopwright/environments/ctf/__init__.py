"""The `ctf` environment: a candidate is a shell in the folder of one task's files; what counts is the flag."""

from loopwright.environments.ctf._environment import CtfEnvironment

__all__ = ["CtfEnvironment"]
