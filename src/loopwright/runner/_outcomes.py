"""Events at both ends of an episode."""

from __future__ import annotations

from loopwright.loop import Gate
from loopwright.plan import PlannedEpisode, ResolvedComponents
from loopwright.store import EpisodeFinished, EpisodeStarted
from loopwright.types import Failure


def episode_started(episode: PlannedEpisode, cast: ResolvedComponents) -> EpisodeStarted:
    """The event that an episode begins with."""
    task = episode.task
    return EpisodeStarted(
        task=task.name,
        instance=episode.instance.id,
        variant=episode.variant,
        strategy=episode.strategy,
        models=cast.all_models,
        repeat=episode.repeat,
        seed=task.seed,
        goal=episode.instance.goal,
        value=task.loop.value,
        threshold=task.loop.threshold,
    )


def skipped(gate: Gate) -> EpisodeFinished:
    """The end of an episode that was left out before it began."""
    left = gate.left()
    failure = Failure(cause=left.cause, error=type(left).__name__, message=str(left))
    return EpisodeFinished(status="failed", failure=failure)
