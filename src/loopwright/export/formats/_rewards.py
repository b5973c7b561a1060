"""`rewards`: prompt, answer and verified reward, in groups of repeats, for trainers such as GRPO."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import sqrt
from statistics import fmean, stdev

from loopwright.export._chat_messages import ChatMessage, chat_messages, proposing_call, shows_pictures
from loopwright.export._source import RunSource
from loopwright.export._training import LeftOut, Origin, TrainingFormat, TrainingRow
from loopwright.export.formats._scores import JudgedBy, candidate_score
from loopwright.record import EpisodeRecord

WINDOW = 8
"""How many earlier versions an improvement is measured against (K of arXiv 2604.00860)."""
LOSS_SCALE = 0.1
"""How much a worse version counts, of what a better one does (l of the same paper)."""


class RewardRow(TrainingRow):
    """A prompt, the reply to it, and what the reply is worth."""

    prompt: tuple[ChatMessage, ...]
    """All that the model was shown, earlier attempts and feedback included."""
    completion: tuple[ChatMessage, ...]
    reward: float
    """Score in [0, 1]."""
    judge: JudgedBy
    group: str
    """The same for all repeats of an instance under one variant and iteration: replies that may be compared."""
    iteration: int
    improvement: float | None
    """How far the mean reward of this iteration's group is above earlier iterations; None without an earlier one."""

    @property
    def content(self) -> object:
        """All of it: equal replies of a group count as often as they were given."""
        return self.model_dump(mode="json")


def improvement(history: Sequence[float], mean: float, rewards: int) -> float | None:
    """Gain of a version over the versions before it, in standard deviations of those.

    xi = (mean - m) / s, with m and s the mean and the sample standard deviation of the last 8 versions' means; a
    loss counts a tenth: phi(xi) = xi for xi >= 0, else 0.1 xi (arXiv 2604.00860, eq. 8 to 10). s is at least the
    standard error of a share, sqrt(m (1 - m) / rewards), and at least 0.05, so that a quiet history makes no step huge.

    Args:
        history: Mean rewards in [0, 1] of earlier versions, oldest first.
        mean: That of this version.
        rewards: How many rewards are in `mean`.

    Returns:
        phi(xi); None without a history.
    """
    known = list(history)[-WINDOW:]
    if not known:
        return None
    before = fmean(known)
    spread = max(stdev(known) if len(known) > 1 else 0.0, sqrt(before * (1 - before) / rewards), 0.05)
    gain = (mean - before) / spread
    return gain if gain >= 0 else LOSS_SCALE * gain


def _rows(run: RunSource) -> Iterator[RewardRow | LeftOut]:
    gains = _improvements(run)
    for episode in run.scored:
        for number in sorted(episode.iterations):
            yield _row(run.manifest.id, episode, number, gains)


def _row(
    run: str, episode: EpisodeRecord, number: int, gains: dict[tuple[str, int], float | None]
) -> RewardRow | LeftOut:
    call, found = proposing_call(episode, number), _reward(episode, number)
    if call is None or call.reply is None:
        return LeftOut("no chat model wrote the candidate")
    if found is None:
        return LeftOut("the reply held no candidate, or nobody judged it")
    if shows_pictures(call.request.messages):
        return LeftOut("the prompt shows pictures")
    reward, judge = found
    return RewardRow(
        origin=Origin.of(run, episode),
        prompt=chat_messages(call.request.messages),
        completion=chat_messages([call.reply.message]),
        reward=reward,
        judge=judge,
        group=f"{_group(episode)}:{number}",
        iteration=number,
        improvement=gains[_group(episode), number],
    )


def _reward(episode: EpisodeRecord, number: int) -> tuple[float, JudgedBy] | None:
    scores = ((candidate_score(episode, number, judge), judge) for judge in JudgedBy)
    return next(((score, judge) for score, judge in scores if score is not None), None)


def _group(episode: EpisodeRecord) -> str:
    started = episode.started
    return f"{started.task}/{started.instance}:{started.variant}" if started else ""


def _improvements(run: RunSource) -> dict[tuple[str, int], float | None]:
    """Group and iteration to the improvement of that iteration over those before it."""
    rewards: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for episode in run.scored:
        for number in episode.iterations:
            if (found := _reward(episode, number)) is not None:
                rewards[_group(episode)][number].append(found[0])
    gains = {}
    for group, by_iteration in rewards.items():
        history: list[float] = []
        for number in sorted(by_iteration):
            mean = fmean(by_iteration[number])
            gains[group, number] = improvement(history, mean, len(by_iteration[number]))
            history.append(mean)
    return gains


REWARDS = TrainingFormat(
    "A row is a prompt as the model was shown it, the reply, and its verified reward: by the hidden tests where the"
    " candidate was graded (`--grade-all`), else by the visible checks. Replies of one `group` answer the same task"
    " at the same iteration.",
    RewardRow,
    _rows,
)
