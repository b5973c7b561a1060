"""Checks what a task asks for across its episodes: memory, monitor and mitigations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec

from loopwright.agents import AgentRole, Memory, MemoryTurn, ModelAgent
from loopwright.drift import Baseline, find_detector
from loopwright.errors import TaskError, UserError
from loopwright.loop import Strategy, traits_of, view_for
from loopwright.plan import PlannedEpisode, ResolvedComponents
from loopwright.project import Project
from loopwright.record import EpisodeRecord
from loopwright.session import sessions_of
from loopwright.task import Task

_MARK = "a mark that no prompt has of itself"


def check_drift(episode: PlannedEpisode, strategy: Strategy, project: Project) -> None:
    """Reads the baseline, and refuses guards that a strategy gives no answers for.

    Raises:
        TaskError: Its `location` is the option.
    """
    drift = episode.task.drift
    if drift is None:
        return
    if drift.baseline is not None:
        try:
            Baseline.load(project.root / drift.baseline)
        except UserError as error:
            raise TaskError(str(error.args[0]), remedy=error.remedy).about("drift", "baseline") from None
    try:
        find_detector(drift.detector, project.root)
    except UserError as error:
        raise TaskError(f"drift.detector: {error.args[0]}", remedy=error.remedy).about("drift", "detector") from None
    if drift.embedding == "wordllama" and find_spec("wordllama") is None:
        raise TaskError(
            "drift.embedding: wordllama needs wordllama, which is not installed",
            remedy="Install it: pip install 'loopwright[drift]', or '.[drift]' from a clone.",
        ).about("drift", "embedding")
    if not traits_of(strategy).acts:
        return
    for name in drift.mitigations.named:
        if getattr(drift.mitigations, name).probes:
            raise TaskError(
                f"drift.mitigations.{name}: a probe is answered in one reply, and {episode.strategy} acts in many",
                remedy="Leave it out." if name == "routing" else "Write `probes: 0`: it then acts without a guard.",
            ).about("drift", "mitigations", name)


def session_notes(episode: PlannedEpisode, cast: ResolvedComponents) -> Iterator[str]:
    """What is no error, but will not do what its author wants."""
    task = episode.task
    proposer = cast.agents[AgentRole.PROPOSER]
    if _remembers(task) and isinstance(proposer, ModelAgent) and not _shows_memory(proposer, episode):
        yield (
            f"{task.name}: the session is not shown: {proposer.card.prompt} does not use `view.memory.text`, so that "
            "the proposer remembers nothing"
        )


def unlearned(episodes: Sequence[PlannedEpisode]) -> Iterator[str]:
    """Sessions that are too short for the baseline that they are to learn."""
    for name, planned in sessions_of(episodes).items():
        drift, most = planned[0].task.drift, len(planned) * planned[0].task.loop.max_iterations
        if drift and drift.first and most <= drift.first:
            yield (
                f"{name}: the baseline is never learned: it takes {drift.first} interactions, and {len(planned)} "
                f"episodes have {most} at most"
            )


def _remembers(task: Task) -> bool:
    return task.session is not None and task.session.memory.turns > 0


def _shows_memory(proposer: ModelAgent, episode: PlannedEpisode) -> bool:
    view = view_for(
        AgentRole.PROPOSER,
        episode.instance.without_hidden(),
        EpisodeRecord(),
        current=None,
        iterations_left=episode.task.loop.max_iterations,
        memory=Memory(turns=(MemoryTurn(id="e/0", goal=_MARK, said=_MARK),)),
    )
    try:
        return any(_MARK in message.content for message in proposer.prompt.render(view))
    except TaskError:
        # It is told elsewhere what is wrong with it.
        return True
