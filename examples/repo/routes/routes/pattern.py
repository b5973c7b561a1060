"""Patterns of paths: `/users/<name>` has one variable."""

import re


def expression(pattern):
    """The regular expression of a pattern."""
    return re.compile(re.sub(r"<(\w+)>", r"(?P<\1>.+)", pattern))


def variables(pattern):
    """The names of a pattern's variables."""
    return re.findall(r"<(\w+)>", pattern)
