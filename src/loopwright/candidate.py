"""The candidate, under the name it had before `loopwright.types`."""

from loopwright.types import Candidate

__all__ = ["Candidate"]
