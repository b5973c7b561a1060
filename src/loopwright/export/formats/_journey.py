"""`journey`: a whole exploration as one sample: trial, error, reflection, way back, right answer (arXiv 2410.18982)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from loopwright.export._chat_messages import (
    ChatMessage,
    acts,
    chat_messages,
    edits_earlier,
    first_prompt,
    proposing_call,
    shows_pictures,
)
from loopwright.export._training import LeftOut, Origin, TrainingFormat, TrainingRow, each_scored
from loopwright.record import EpisodeRecord
from loopwright.types import Verdict

WRONG_TURNS = 2
"""Wrong attempts that are told beside the right way, of those made from one attempt."""


class JourneyRow(TrainingRow):
    """The way to a right answer with its wrong turns, and the answer alone."""

    prompt: tuple[ChatMessage, ...]
    journey: tuple[ChatMessage, ...]
    """One reply that tells all attempts in the order of a depth-first walk through their tree."""
    shortcut: tuple[ChatMessage, ...]
    """The right answer alone, to compare with."""
    attempts: int
    """Attempts that the journey tells, the right one included."""
    ways_back: int
    """How often it goes back to an earlier attempt."""


def _row(run: str, episode: EpisodeRecord) -> JourneyRow | LeftOut:
    ended = episode.finished
    if ended is None or ended.answer_iteration is None or not ended.passed:
        return LeftOut("the answer did not pass")
    prompt, call = first_prompt(episode), proposing_call(episode, ended.answer_iteration)
    if not prompt or call is None or call.reply is None:
        return LeftOut("no chat model wrote the answer")
    if acts(episode):
        return LeftOut("turns of an agent that acts are no attempts at the same prompt")
    if edits_earlier(episode, ended.answer_iteration):
        return LeftOut("the reply edits an earlier attempt")
    if shows_pictures(prompt):
        return LeftOut("the prompt shows pictures")
    told = _Telling(episode)
    told.way_to(ended.answer_iteration)
    return JourneyRow(
        origin=Origin.of(run, episode),
        prompt=chat_messages(prompt),
        journey=(ChatMessage(role="assistant", content="\n\n".join(filter(None, told.parts))),),
        shortcut=chat_messages([call.reply.message]),
        attempts=told.attempts,
        ways_back=told.ways_back,
    )


@dataclass(slots=True)
class _Telling:
    episode: EpisodeRecord
    parts: list[str] = field(default_factory=list)
    attempts: int = 0
    ways_back: int = 0
    _failures: set[tuple[tuple[str, str], ...]] = field(default_factory=set)
    """What wrong attempts failed by; the same failure is told once."""

    def way_to(self, answer: int) -> None:
        """Tells the attempts from the first to the answer, with wrong turns beside them."""
        children: dict[int | None, list[int]] = defaultdict(list)
        for number in sorted(self.episode.iterations):
            if self.episode.recorded(number, "proposed"):
                children[self.episode.iterations[number].parent].append(number)
        way = [answer]
        while (parent := self.episode.iterations[way[-1]].parent) is not None:
            way.append(parent)
        start = None
        for right in reversed(way):
            self._wrong_turns(start, [number for number in children[start] if number < right])
            self._attempt(right, last=right == answer)
            start = right

    def _wrong_turns(self, start: int | None, wrong: list[int]) -> None:
        told = 0
        for number in wrong:
            signature = tuple((check.name, check.evidence) for check in self.episode[number].verdict.failed)
            if told < WRONG_TURNS and signature not in self._failures:
                self._failures.add(signature)
                self._attempt(number, last=False)
                where = "I go back to the last attempt before it." if start is not None else "I start again."
                self.parts.append(f"This way does not lead on. {where}")
                self.ways_back += 1
                told += 1

    def _attempt(self, number: int, *, last: bool) -> None:
        call = proposing_call(self.episode, number)
        if call is None or call.reply is None:
            return
        self.attempts += 1
        attempt = self.episode[number]
        self.parts.append(call.reply.text)
        if not last:
            self.parts.append(f"I check it. {_findings(attempt.verdict)}")
            self.parts.append(attempt.critique)


def _findings(verdict: Verdict) -> str:
    failed = [f"{check.name} fails: {check.evidence or 'no reason given'}" for check in verdict.failed]
    return "\n".join(failed) or verdict.summary or "All checks that I can see pass."


JOURNEY = TrainingFormat(
    "A row is the exploration of one episode that ended with a right answer: its attempts, what their visible checks"
    " found, what the critic said, ways back, and the answer; beside it the answer alone, as `shortcut`.",
    JourneyRow,
    each_scored(_row),
)
