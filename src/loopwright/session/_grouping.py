"""Which episodes of a run make a session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from loopwright.loop import BUILTIN_STRATEGIES, traits_of
from loopwright.plan import PlannedEpisode
from loopwright.record import session_name

WINDOW = 50
"""Interactions per point of the stability index."""
_SILENCE, _SHORTEST = 200, 4


def session_id(planned: PlannedEpisode) -> str | None:
    """The session that an episode belongs to; None where nothing goes across episodes.

    Every repeat is a session of its own, so that repeats stay independent. Without a section `session` a monitor
    watches all episodes of a variant together.
    """
    task = planned.task
    if task.session is not None:
        return session_name(task.name, planned.variant, planned.repeat)
    return None if task.drift is None else session_name(task.name, planned.variant)


def sessions_of(planned: Iterable[PlannedEpisode]) -> Mapping[str, Sequence[PlannedEpisode]]:
    """Sessions by their names, each with its episodes in order."""
    found: dict[str, list[PlannedEpisode]] = {}
    for episode in planned:
        if (name := session_id(episode)) is not None:
            found.setdefault(name, []).append(episode)
    return found


def most_calls(planned: Sequence[PlannedEpisode], per_probe: int) -> int:
    """Model calls that the mitigations of a session can make, at most.

    Args:
        planned: Its episodes.
        per_probe: Calls that a probe can make, with the judge's.
    """
    task = planned[0].task
    if task.drift is None:
        return 0
    iterations = 1 if traits_of(BUILTIN_STRATEGIES.get(planned[0].strategy)).one_candidate else task.loop.max_iterations
    done, turns = task.drift.mitigations, len(planned) * iterations
    calls = 0
    if done.consolidation:
        # A channel that alarmed is silent for 200 scores, and two of them count here.
        times = min(len(planned), turns // done.consolidation.every + 2 * (turns // _SILENCE + 1))
        # A summary that a limit cut is asked for once more.
        calls += times * (2 + (3 if done.consolidation.forget else 2) * per_probe * done.consolidation.probes)
    if done.anchoring:
        calls += turns // WINDOW * 2 * per_probe * done.anchoring.probes
    if done.routing:
        # An alarm takes four scores at least; a reset is followed by two rounds of probes.
        rounds = 2 * (turns // _SHORTEST) + len(done.routing.choices) * (turns // WINDOW)
        calls += rounds * per_probe * done.routing.probes
    return calls
