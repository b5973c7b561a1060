"""The `text` environment: a candidate is words, which a verifier judges, or which are compared with a known answer."""

from loopwright.environments.text._answers import (
    AnswerOutcome,
    ChoiceRule,
    F1Rule,
    IncludesRule,
    MatchRule,
    is_number,
    words,
)
from loopwright.environments.text._environment import TextEnvironment

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
