"""`chat`: conversations that end with a right answer, for supervised fine-tuning."""

from __future__ import annotations

from loopwright.export._chat_messages import (
    ChatMessage,
    acts,
    chat_messages,
    conversation,
    edits_earlier,
    first_prompt,
    proposing_call,
    shows_pictures,
)
from loopwright.export._training import LeftOut, Origin, TrainingFormat, TrainingRow, each_scored
from loopwright.record import EpisodeRecord


class ChatRow(TrainingRow):
    """A conversation and how good its end is."""

    messages: tuple[ChatMessage, ...]
    """The prompt, and the reply with the answer. Of an agent that acts: all turns up to the answer."""
    score: float
    iterations: int
    """How many candidates it took to find the answer."""


def _row(run: str, episode: EpisodeRecord) -> ChatRow | LeftOut:
    ended = episode.finished
    if ended is None or ended.answer_iteration is None or ended.score is None or not ended.passed:
        return LeftOut("the answer did not pass")
    call = proposing_call(episode, ended.answer_iteration)
    if call is None or call.reply is None:
        return LeftOut("no chat model wrote the answer")
    if shows_pictures(first_prompt(episode)):
        return LeftOut("the prompt shows pictures")
    if not acts(episode) and edits_earlier(episode, ended.answer_iteration):
        return LeftOut("the reply edits an earlier attempt")
    return ChatRow(
        origin=Origin.of(run, episode),
        messages=conversation(episode)
        if acts(episode)
        else chat_messages((*first_prompt(episode), call.reply.message)),
        score=ended.score,
        iterations=ended.answer_iteration + 1,
    )


CHAT = TrainingFormat(
    "A row is a conversation that ends with an answer that passed all checks. Its prompt is the first one of the"
    " episode, so that it shows no earlier attempt; of an agent that acts it is the whole conversation.",
    ChatRow,
    each_scored(_row),
)
