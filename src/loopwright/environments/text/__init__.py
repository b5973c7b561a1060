"""The `text` environment: a candidate is words, which a verifier judges."""

from loopwright.environments.text._environment import TextEnvironment

__all__ = ["TextEnvironment"]
