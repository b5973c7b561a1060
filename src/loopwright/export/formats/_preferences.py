"""`preferences`: a better and a worse answer to the same prompt, for training by preferences."""

from __future__ import annotations

from collections.abc import Iterator

from loopwright.export._chat_messages import (
    ChatMessage,
    acts,
    chat_messages,
    edits_earlier,
    first_prompt,
    proposing_call,
    shows_pictures,
)
from loopwright.export._source import RunSource
from loopwright.export._training import LeftOut, Origin, TrainingFormat, TrainingRow
from loopwright.export.formats._scores import JudgedBy, candidate_score
from loopwright.images.refining import PICTURE
from loopwright.record import EpisodeRecord
from loopwright.types import Message


class PreferenceRow(TrainingRow):
    """Two answers of an episode to its first prompt, of which one has the higher score."""

    prompt: tuple[ChatMessage, ...]
    chosen: tuple[ChatMessage, ...]
    rejected: tuple[ChatMessage, ...]
    chosen_score: float
    rejected_score: float
    judge: JudgedBy
    reason: str
    """What the visible checks and the critic said against the rejected answer; empty where they said nothing."""


def _rows(run: RunSource) -> Iterator[PreferenceRow | LeftOut]:
    for episode in run.scored:
        yield from _pairs(run.manifest.id, episode)


def _pairs(run: str, episode: EpisodeRecord) -> Iterator[PreferenceRow | LeftOut]:
    prompt = first_prompt(episode)
    best = episode.finished.answer_iteration if episode.finished else None
    chosen = None if best is None else _reply(episode, best)
    if any(PICTURE in one.candidate.artifacts for one in episode if one.candidate):
        yield LeftOut("answers are pictures: --format picture-preferences takes them")
    elif best is None or chosen is None or not prompt:
        yield LeftOut("no chat model wrote the answer")
    elif acts(episode):
        yield LeftOut("turns of an agent that acts are no answers to the same prompt")
    elif edits_earlier(episode, best):
        yield LeftOut("the reply edits an earlier attempt")
    elif shows_pictures(prompt):
        yield LeftOut("the prompt shows pictures")
    else:
        found = [one for number in sorted(episode.iterations) if (one := _pair(run, episode, best, number))]
        rows = [one for one in found if isinstance(one, PreferenceRow)]
        yield from rows or found[:1] or [LeftOut("no answer is worse than the best")]


def _pair(run: str, episode: EpisodeRecord, best: int, other: int) -> PreferenceRow | LeftOut | None:
    """The best answer with a worse one, or why that one gives no row; None where it is not known to be worse."""
    chosen, rejected = _reply(episode, best), _reply(episode, other)
    for judge in JudgedBy:
        high, low = (candidate_score(episode, number, judge) for number in (best, other))
        if high is not None and low is not None:
            break
    else:
        return None
    if chosen is None or rejected is None or low >= high:
        return None
    if edits_earlier(episode, other):
        return LeftOut("all worse replies edit an earlier attempt")
    attempt = episode[other]
    evidence = [f"{check.name}: {check.evidence}" for check in attempt.verdict.failed if check.evidence]
    return PreferenceRow(
        origin=Origin.of(run, episode),
        prompt=chat_messages(first_prompt(episode)),
        chosen=chat_messages([chosen]),
        rejected=chat_messages([rejected]),
        chosen_score=high,
        rejected_score=low,
        judge=judge,
        reason="\n\n".join(filter(None, [*evidence, attempt.critique])),
    )


def _reply(episode: EpisodeRecord, iteration: int) -> Message | None:
    call = proposing_call(episode, iteration)
    return call.reply.message if call and call.reply else None


PREFERENCES = TrainingFormat(
    "A row is the first prompt of an episode with its best answer, `chosen`, and one that scored lower, `rejected`."
    " Both are judged alike: by the hidden tests where both were graded (`--grade-all`), else by the visible checks.",
    PreferenceRow,
    _rows,
)
