"""Scores of a shell task: the published reward, and whether state and answer are those of the gold command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import erf

from loopwright.environments._scores import Scores
from loopwright.environments.bash._git_status import contents, status
from loopwright.environments.bash._similarity import similarity
from loopwright.sandbox import Change


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one side came to."""

    answer: str
    """Output of the last command."""
    changes: Mapping[str, Change]


def score(agent: Outcome, gold: Outcome, tracked: Mapping[str, Change], *, legacy: bool = False) -> Scores:
    """Scores an agent's outcome against the gold's.

    `intercode` is 0.01 + round(0.33 (1 - erf(missed + extra)), 2) + 0.33 times the share of equal new files +
    0.33 times the likeness of the answers, each rounded to two decimals.

    `exact` is 1 where every path, its type, permissions and content are those that the gold command leaves, and the
    answers are equal after `normalised`. Where the gold command prints nothing but changes something, the task is
    about the state and the answer does not count.
    """
    ours, theirs = status(agent.changes, tracked), status(gold.changes, tracked)
    missed, extra = theirs.items() - ours.items(), ours.items() - theirs.items()
    # Entries with code A or C need an index, which nobody but git itself writes here.
    common = [path for path, code in ours.items() & theirs.items() if code == "??"]
    same = sum(contents(agent.changes, path) == contents(gold.changes, path) for path in common)
    files = round(0.33 * (1 - erf(len(missed) + len(extra))), 2)
    content = round(0.33 * same / len(common), 2) if common else 0.33
    answer = round(0.33 * similarity(agent.answer, gold.answer), 2)
    equal = normalised(agent.answer) == normalised(gold.answer) or (bool(gold.changes) and not normalised(gold.answer))
    return Scores(
        intercode=0.01 + files + content + answer,
        exact=float(equal and agent.changes == gold.changes),
        legacy=legacy,
        parts={
            "file_diff": files,
            "file_changes": content,
            "answer_similarity": answer,
            "missed": sorted(missed),
            "extra": sorted(extra),
            "answer_equal": equal,
            "state_equal": agent.changes == gold.changes,
        },
    )


def normalised(answer: str) -> str:
    """An answer without white space at the ends of lines, and without empty lines at its end."""
    return "\n".join(line.rstrip() for line in answer.rstrip().splitlines())
