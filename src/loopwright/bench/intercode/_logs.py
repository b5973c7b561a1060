"""Reads the logs of InterCode's experiments: what was executed of what agents wrote, and its rewards."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from loopwright.errors import TaskError
from loopwright.files import read_regular

_UNREAD = "code was found in your last response"
"""What the published code answered to a reply without an action."""
_SHOWN = 350
"""Characters of an output that ReAct shows its agent and logs."""
_EXECUTE = re.compile(r"execute\[(.*)\]", re.DOTALL)
"""An action of ReAct, up to the last bracket."""


@dataclass(frozen=True, slots=True)
class LoggedTurn:
    """One turn of a published episode."""

    command: str | None
    """What was executed; None if nothing was, as in a reply without an action, or in ReAct's `submit`."""
    reward: float | None
    """The reward; None if the published code gave none, as ReAct before its `submit`."""
    repeated: bool
    """Whether the reward is the one of the turn before, logged again for a reply without an action."""
    observation: str
    """What the agent was shown."""
    shown: int | None = None
    """How many characters of an output the log holds; None for all."""


@dataclass(frozen=True, slots=True)
class LoggedEpisode:
    """One published episode."""

    index: int
    """Number of the task."""
    goal: str | None
    """The question; None if the log does not say."""
    turns: tuple[LoggedTurn, ...]
    gold_output: str | None
    """What the gold command gave at the end; None if the log does not say."""


class _History(BaseModel):
    """The published layout of an episode's turns; Plan & Solve logs a reward even if its plan has no step."""

    model_config = ConfigDict(allow_inf_nan=False)
    actions: tuple[str, ...]
    observations: tuple[Any, ...]
    rewards: tuple[float | None, ...]
    thoughts: tuple[Any, ...] | None = None
    """Only in logs of ReAct."""


class _Episode(BaseModel):
    """The published layout of an episode, as far as a replay needs it."""

    task_id: int
    query: Any = None
    turn_history: _History
    info: Any = None


def read_log(path: Path) -> tuple[LoggedEpisode, ...]:
    """Reads a published log of an experiment with Try Again, ReAct or Plan & Solve.

    Raises:
        TaskError: It is none.
    """
    try:
        data = json.loads(read_regular(path))
        episodes = data.get("logs", data)
        found = [_Episode.model_validate(episode) for episode in episodes.values() if "turn_history" in episode]
        return tuple(LoggedEpisode(e.task_id, _text(e.query), _turns(e.turn_history), _gold(e.info)) for e in found)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise TaskError(f"not an experiment log: {place}: {first['msg']}", path=str(path)) from None
    except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
        raise TaskError(f"not an experiment log: {error}", path=str(path)) from None


def _turns(history: _History) -> tuple[LoggedTurn, ...]:
    """Raises ValueError if an action has no reward or no observation."""
    if min(len(history.observations), len(history.rewards)) < len(history.actions):
        raise ValueError("there are more actions than observations or rewards")
    rows = zip(history.actions, map(str, history.observations), history.rewards, strict=False)
    read = _react if history.thoughts is not None else _other
    return tuple(read(action, seen, reward or 0.0) for action, seen, reward in rows)


def _react(action: str, seen: str, reward: float) -> LoggedTurn:
    """ReAct executes what stands in `execute[...]`; its rewards are 0 until it submits."""
    shown = _SHOWN if len(seen) <= _SHOWN else None
    found = _EXECUTE.search(action)
    if found:
        return LoggedTurn(found[1], None, repeated=False, observation=seen, shown=shown)
    given = reward if action == "submit" else None
    return LoggedTurn(None, given, repeated=False, observation=seen, shown=shown)


def _other(action: str, seen: str, reward: float) -> LoggedTurn:
    """Try Again and Plan & Solve execute and score each action."""
    unread = _UNREAD in seen
    return LoggedTurn(None if unread else action, reward, repeated=unread, observation=seen)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _gold(info: object) -> str | None:
    return _text(info.get("eval_obs")) if isinstance(info, Mapping) else None
