"""The published reward, in [-1, 1]; 1 is success."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import erf, isnan

from loopwright.bench.intercode._git_status import contents, status
from loopwright.bench.intercode._rows import intersection_over_union, row_order
from loopwright.bench.intercode._similarity import similarity
from loopwright.environments import (
    FlagOutcome,
    FunctionOutcome,
    GoldCache,
    Interpreter,
    NothingToScore,
    QueryOutcome,
    Score,
    ShellOutcome,
    first_definition,
)

_Reply = tuple[str, str]
_GOLDS: GoldCache[tuple[str, str, tuple[str, ...]], tuple[_Reply, ...]] = GoldCache(4096)
"""What the tests say of gold code, by code, preparation and tests."""


class InterCodeReward:
    """Scores outcomes of shells, databases, interpreters and flags as the published environments do."""

    async def score(self, outcome: ShellOutcome | QueryOutcome | FunctionOutcome | FlagOutcome) -> Score:
        """The reward of an outcome.

        Raises:
            NothingToScore: The published code raises an error.
            SandboxError: A sandbox failed.
        """
        match outcome:
            case ShellOutcome():
                return score_state(outcome)
            case QueryOutcome():
                return score_rows(outcome)
            case FunctionOutcome():
                return await score_function(outcome)
            case FlagOutcome(flag, gold):
                return Score(float(bool(flag) and flag.lower() == gold.lower()))


def score_state(outcome: ShellOutcome) -> Score:
    """The reward of a shell's state and last output.

    It is 0.01 + round(0.33 (1 - erf(missed + extra)), 2) + 0.33 times the share of equal new files + 0.33 times the
    likeness of the answers, each rounded to two decimals.

    Raises:
        NothingToScore: The published code raises an error.
    """
    agent, gold, tracked = outcome.agent, outcome.gold, outcome.tracked
    ours, theirs = status(agent.changes, tracked), status(gold.changes, tracked)
    # The published code splits the changed paths at white space, in pairs.
    if outcome.legacy and sum(len(path.split()) + 1 for path in ours) % 2:
        raise NothingToScore(crash="IndexError")
    missed, extra = theirs.items() - ours.items(), ours.items() - theirs.items()
    # Entries with code A or C need an index, which nobody but git itself writes here.
    common = [path for path, code in ours.items() & theirs.items() if code == "??"]
    same = sum(contents(agent.changes, path) == contents(gold.changes, path) for path in common)
    files = round(0.33 * (1 - erf(len(missed) + len(extra))), 2)
    content = round(0.33 * same / len(common), 2) if common else 0.33
    answer = round(0.33 * similarity(agent.answer, gold.answer), 2)
    parts = {
        "file_diff": files,
        "file_changes": content,
        "answer_similarity": answer,
        "missed": sorted(missed),
        "extra": sorted(extra),
    }
    return Score(0.01 + files + content + answer, parts)


def score_rows(outcome: QueryOutcome) -> Score:
    """The reward of rows.

    It is the multiset intersection over union of the rows as texts, times Kendall's tau of the common rows by the rank
    of their texts, rounded to two decimals; without the tau where it is not defined. It is 0 where either side has no
    rows at all, such as after an error, and 1 where both are empty. Of a gold that could not be executed no rows are
    expected.
    """
    expected = [] if outcome.gold_failed else outcome.gold_rows
    if outcome.rows is None or expected is None:
        return Score(0)
    overlap, order = intersection_over_union(outcome.rows, expected), row_order(outcome.rows, expected)
    if isnan(order):
        return Score(overlap, {"overlap": overlap, "tau": None})
    return Score(round(order * overlap, 2), {"overlap": overlap, "tau": order})


async def score_function(outcome: FunctionOutcome) -> Score:
    """The share of tests that say the same of both functions.

    Each test runs in the agent's interpreter, and once in another one with the gold code. An agent that takes its
    interpreter apart can forge what is said.

    Raises:
        SandboxError: A sandbox failed.
    """
    gold_name = _published_name(outcome.gold) if outcome.legacy else first_definition(outcome.gold)
    if gold_name is None:
        return Score(0, {"crash": "AttributeError"})
    interpreter, seconds, preparation = outcome.interpreter, outcome.timeout, outcome.preparation
    await interpreter.alias(gold_name, outcome.name, seconds)
    ours = await _replies(interpreter, (preparation,), outcome.tests, seconds)
    theirs = await _gold_replies(outcome)
    if outcome.legacy:
        # The agent's names are gone after a submission, and the gold's are there instead.
        await interpreter.renew()
        await _replies(interpreter, (preparation, outcome.gold), (), seconds)
    return Score(sum(a == b for a, b in zip(ours, theirs, strict=True)) / len(theirs) if theirs else 0.0)


def _published_name(code: str) -> str | None:
    """As the published expression finds it, which misses a function with a blank before its bracket."""
    found = re.search(r"def (\w+)\(", code)
    return found[1] if found else None


async def _gold_replies(outcome: FunctionOutcome) -> tuple[_Reply, ...]:
    key = (outcome.gold, outcome.preparation, outcome.tests)
    if key not in _GOLDS:
        interpreter = await Interpreter.open(outcome.setup)
        try:
            code = (outcome.preparation, outcome.gold)
            _GOLDS[key] = await _replies(interpreter, code, outcome.tests, outcome.timeout)
        finally:
            await interpreter.close()
    return _GOLDS[key]


async def _replies(
    interpreter: Interpreter, code: Sequence[str], tests: Sequence[str], seconds: float
) -> tuple[_Reply, ...]:
    """What each test says, after the code."""
    for part in filter(None, code):
        await interpreter.run(part, seconds)
    return tuple([(await interpreter.run(test, seconds))[:2] for test in tests])
