"""What one agent remembers of its session."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from loopwright.agents import Attempt, Memory, MemoryTurn, cut_to, latest, tokens_of
from loopwright.task import MemoryOptions

_SAID, _HEARD = 600, 150
"""Tokens that are kept of an answer, and of what was said to it."""
_HEADINGS = 20
"""Tokens of the words around a memory's parts."""


class SessionMemory:
    """The turns of one agent, and the summary that stands for older ones.

    Args:
        options: How much is shown.
        kept: Turns that are kept for a summarizer, beside those that are shown.
    """

    def __init__(self, options: MemoryOptions, kept: int = 0) -> None:
        self._options = options
        self._turns: deque[MemoryTurn] = deque(maxlen=max(options.turns + 1, kept))
        self._shown = 0
        self.summary = ""
        self.digest = ""
        """Of the last summary, with everything that it rests on."""
        self.since = 0
        """Turns since the last summary."""

    def add(self, turns: Sequence[MemoryTurn]) -> None:
        """Takes the turns of an episode that is over."""
        self._turns.extend(turns)
        self._shown = min(self._shown + len(turns), len(self._turns))
        self.since += len(turns)
        self._make_room()

    def last(self, count: int) -> tuple[MemoryTurn, ...]:
        """The latest turns, shown or not."""
        return tuple(self._turns)[-count:] if count else ()

    def memory(self, *, examples: Sequence[MemoryTurn] = ()) -> Memory:
        """What the agent sees: the summary, examples, and as many of the latest turns as there is room for."""
        return self._memory(self.summary, self._shown, examples)

    def would(self, summary: str, raw: int) -> Memory:
        """What it would see with another summary and so many turns."""
        return self._memory(summary, min(raw, self._shown))

    def consolidate(self, summary: str, raw: int, digest: str) -> None:
        """Puts a summary in the place of all but the latest turns."""
        self.summary, self.digest = summary, digest
        self._shown = min(raw, self._shown)

    def clear(self) -> None:
        """Forgets everything but what summaries rested on."""
        self._turns.clear()
        self._shown = self.since = 0
        self.summary = ""

    def _make_room(self) -> None:
        """Forgets half where it is full: prompts begin alike until then, and providers' caches keep their worth."""
        room = self._options.tokens - tokens_of(self.summary) - _HEADINGS
        shown = tuple(self._turns)[-self._shown :] if self._shown else ()
        if self._shown > self._options.turns or sum(turn.tokens for turn in shown) > room:
            self._shown = min(self._options.turns // 2, len(latest(shown, room // 2)))

    def _memory(self, summary: str, count: int, examples: Sequence[MemoryTurn] = ()) -> Memory:
        tokens = self._options.tokens
        memory = Memory(summary=cut_to(summary, max(tokens - _HEADINGS, 0)), examples=tuple(examples))
        if memory.tokens > tokens:
            memory = Memory(summary=memory.summary)
        shown = tuple(self._turns)[-count:] if count else ()
        return memory.model_copy(update={"turns": latest(shown, tokens - memory.tokens - _HEADINGS)})


def turns_of(episode: str, goal: str, attempts: Sequence[Attempt]) -> tuple[MemoryTurn, ...]:
    """The turns of an episode, as its proposer may remember them."""
    return tuple(
        MemoryTurn(id=f"{episode}/{attempt.iteration}", goal=goal, said=_said(attempt), heard=_heard(attempt))
        for attempt in attempts
    )


def _said(attempt: Attempt) -> str:
    candidate = attempt.candidate
    if candidate is None:
        return f"({attempt.problem})"
    files = "\n".join(f"{path}:\n{content.strip()}" for path, content in candidate.files.items())
    return cut_to("\n".join(filter(None, (candidate.text.strip(), files))), _SAID)


def _heard(attempt: Attempt) -> str:
    verdict = attempt.verdict
    passed = ""
    if verdict.checks:
        failed = ", ".join(check.name for check in verdict.failed)
        passed = f"failed: {failed}" if failed else "passed"
    return "; ".join(filter(None, (cut_to(attempt.observation.text.strip(), _HEARD), passed)))
