"""The `bash` environment: a candidate is shell commands; what counts are the files and the last output."""

from loopwright.environments.bash._environment import BashEnvironment

__all__ = ["BashEnvironment"]
