"""What a person is asked while a loop waits, and what was answered."""

from __future__ import annotations

from typing import Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

QuestionKind = Literal["decision", "action"]
"""Where the loop goes, or whether a candidate may be executed."""
Choice = Literal["agree", "continue", "restart", "backtrack", "stop", "approve", "refuse"]
"""`agree` takes what the strategy would decide."""


LONGEST_ANSWER = 10_000
"""Characters of an answer's text, at most."""


class Question(BaseModel):
    """A question to a person."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    """`EPISODE/ITERATION/KIND`."""
    episode: str
    iteration: int
    about: QuestionKind
    text: str
    """What the person must know to answer: the action, or the verdict and what the strategy would decide."""
    choices: tuple[Choice, ...]
    targets: tuple[int, ...] = ()
    """Iterations that `backtrack` can go back to."""


class PersonAnswer(BaseModel):
    """What a person answered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    choice: Choice
    text: str = Field(default="", max_length=LONGEST_ANSWER)
    """What the proposer is told, or why an action was refused."""
    target: int | None = None
    """Iteration to go back to, with `backtrack`."""
    by: Literal["terminal", "ctl", "view", "python", "langgraph"] = "python"

    @classmethod
    def read(cls, said: object, *, by: Literal["terminal", "langgraph"]) -> Self:
        """The answer in a line such as `backtrack 2 use the shorter one`, or in a mapping of its fields.

        Raises:
            ValueError: There is none; says why.
        """
        if isinstance(said, str):
            word, _, rest = said.strip().partition(" ")
            if word not in get_args(Choice):
                raise ValueError(f"{word[:40]!r} is no answer")
            target = None
            if word == "backtrack":
                target, _, rest = rest.strip().partition(" ")
                if not (target.isascii() and target.isdigit()):
                    raise ValueError("`backtrack` needs the iteration to go back to")
            said = {"choice": word, "text": rest.strip()[:LONGEST_ANSWER], "target": target}
        try:
            return cls.model_validate({**said, "by": by} if isinstance(said, dict) else said)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise ValueError(f"{'.'.join(map(str, first['loc'])) or 'the answer'}: {first['msg']}") from None

    def problem(self, question: Question) -> str:
        """Why it does not answer a question; empty if it does."""
        if self.choice not in question.choices:
            return f"{self.choice!r} is no answer to {question.id}: {', '.join(question.choices)}"
        if (self.choice == "backtrack") != (self.target is not None):
            return "`backtrack` needs the iteration to go back to, and nothing else takes one"
        if self.target is not None and self.target not in question.targets:
            return f"there is no candidate of an iteration {self.target}"
        return ""
