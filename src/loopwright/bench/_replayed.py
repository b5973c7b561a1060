"""How far a replayed log agrees with what was published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from loopwright.environments import Scores
from loopwright.stats import Interval, wilson

_TOLERANCE = 0.0051


@dataclass(frozen=True, slots=True)
class Turn:
    """One recorded action, executed again."""

    task: str
    turn: int
    action: str
    """What was executed; empty if nothing was."""
    logged: float | None
    """The logged reward; None if the published code gave none, as ReAct before it submits."""
    scores: Scores
    logged_output: str
    output: str
    cause: str
    """Why the reward differs, or without a reward the output; empty if it does not."""

    def agrees(self, reward: float) -> bool:
        """Whether a reward is the logged one."""
        return self.logged is not None and agree(reward, self.logged)


@dataclass(frozen=True, slots=True)
class ReplayedLog:
    """How far a log was reproduced."""

    log: str
    turns: tuple[Turn, ...]

    @property
    def scored(self) -> tuple[Turn, ...]:
        """Turns to which the published code gave a reward."""
        return tuple(turn for turn in self.turns if turn.logged is not None)

    @property
    def unscored(self) -> tuple[Turn, ...]:
        """Turns in which something was executed without a reward: their outputs are compared."""
        return tuple(turn for turn in self.turns if turn.logged is None and turn.action)

    @property
    def same_output(self) -> int:
        """Number of turns without a reward that printed what the log says."""
        return sum(not turn.cause for turn in self.unscored)

    def share(self, *, plain: bool = False) -> float:
        """Share of scored turns with the logged reward; `plain` takes the reward without the order of rows."""
        return self.count(plain=plain) / len(self.scored) if self.scored else 0.0

    def count(self, *, plain: bool = False) -> int:
        """Number of scored turns with the logged reward."""
        return sum(turn.agrees(_reward(turn.scores, plain=plain)) for turn in self.scored)

    def interval(self, *, plain: bool = False) -> Interval:
        """95 % Wilson interval of `share`; turns of a task are alike, so it is somewhat narrow."""
        return wilson(self.count(plain=plain), len(self.scored))

    @property
    def outcomes(self) -> tuple[int, int]:
        """Episodes whose success, a best reward of 1, is the logged one, and all episodes."""
        best: dict[str, list[bool]] = {}
        for turn in self.turns:
            pair = best.setdefault(turn.task, [False, False])
            pair[0] |= turn.logged is not None and turn.logged >= 1
            pair[1] |= turn.logged is not None and turn.scores.rules["intercode"] >= 1
        return sum(logged == ours for logged, ours in best.values()), len(best)

    @property
    def causes(self) -> Mapping[str, int]:
        """Cause of another reward to how often it came."""
        return _counted(self.scored)

    @property
    def output_causes(self) -> Mapping[str, int]:
        """Cause of another output in a turn without a reward to how often it came."""
        return _counted(self.unscored)

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        same, episodes = self.outcomes
        return {
            "log": self.log,
            "turns": len(self.turns),
            "scored": len(self.scored),
            "share": self.share(),
            "interval": [self.interval().low, self.interval().high],
            "share_without_order": self.share(plain=True),
            "same_success": same,
            "episodes": episodes,
            "causes": dict(self.causes),
            "unscored": len(self.unscored),
            "same_output": self.same_output,
            "output_causes": dict(self.output_causes),
        }


def _reward(scores: Scores, *, plain: bool) -> float:
    return float(scores.parts.get("overlap", scores.rules["intercode"])) if plain else scores.rules["intercode"]


def agree(reward: float, logged: float) -> bool:
    """Whether two rewards are the same, of which one was logged with two decimals."""
    return abs(reward - logged) < _TOLERANCE


def _counted(turns: Iterable[Turn]) -> Mapping[str, int]:
    return dict(Counter(turn.cause for turn in turns if turn.cause).most_common())
