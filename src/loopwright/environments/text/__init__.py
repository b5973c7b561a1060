"""The `text` environment: a candidate is words, which a verifier judges, or which are compared with a known answer."""

from loopwright.environments.text._answers import (
    AnswerOutcome,
    ChoiceRule,
    F1Rule,
    IncludesRule,
    MatchRule,
    words,
)
from loopwright.environments.text._environment import TextEnvironment
from loopwright.environments.text._numbers import is_number

__all__ = [
    "AnswerOutcome",
    "ChoiceRule",
    "F1Rule",
    "IncludesRule",
    "MatchRule",
    "TextEnvironment",
    "is_number",
    "words",
]
