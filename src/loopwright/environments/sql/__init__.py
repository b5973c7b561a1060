"""The `sql` environment: a candidate is statements; what counts are the rows of the last query."""

from loopwright.environments.sql._environment import SqlEnvironment

__all__ = ["SqlEnvironment"]
