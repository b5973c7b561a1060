"""Refuses caps that leave no room for what a run has to do first."""

from __future__ import annotations

from collections.abc import Mapping

from loopwright.agents import AgentRole, ModelAgent
from loopwright.environments import KnowsVisibleChecks
from loopwright.errors import UserError
from loopwright.loop import most_of_call, view_for
from loopwright.models import AtEndpoint, Request
from loopwright.plan import PlannedEpisode, ResolvedComponents, ResolvedRun
from loopwright.preflight._places import Places
from loopwright.record import EpisodeRecord
from loopwright.task import Caps, Task


def check_calls(resolved: ResolvedRun, episode: PlannedEpisode, cast: ResolvedComponents, places: Places) -> None:
    """Refuses a cap of one call where a candidate is nothing without the model that judges it.

    Raises:
        UserError: There is one.
    """
    config, task = resolved.config, episode.task
    maker: object = resolved.environment(task).make
    unchecked = isinstance(maker, KnowsVisibleChecks) and maker.unchecked(episode.instance)
    if cast.verifiers or not unchecked or not isinstance(cast.agents.get(AgentRole.VERIFIER), ModelAgent):
        return
    message = f"{episode.variant} has 1 call, and a candidate with its verifier takes 2"
    remedy = "Give it 2 calls or more."
    if config.calls == 1:
        raise UserError(f"{places.options.calls}: {message}", remedy=remedy)
    for caps, place in _caps(resolved, task):
        if caps.model_calls == 1:
            raise _refused(places, task, place, "model_calls", message, remedy)


def check_first_call(
    resolved: ResolvedRun, episode: PlannedEpisode, cast: ResolvedComponents, model: str, places: Places
) -> None:
    """Refuses a cap on cost or tokens under which the proposer's first call does not fit.

    Args:
        resolved: The run; one with a cache may need no call at all.
        episode: One of it.
        cast: Who plays in it.
        model: That of the proposer, which can be opened.
        places: Finds where the cap stands.

    Raises:
        UserError: There is one.
    """
    proposer, task = cast.agents[AgentRole.PROPOSER], episode.task
    if resolved.config.cache or not isinstance(proposer, ModelAgent):
        return
    opened = resolved.model(model)
    limit = opened.reply_limit if isinstance(opened, AtEndpoint) else None
    iterations = task.loop.max_iterations
    shown = episode.instance.without_hidden()
    view = view_for(AgentRole.PROPOSER, shown, EpisodeRecord(), current=None, iterations_left=iterations)
    request = Request(model=model, messages=tuple(proposer.prompt.render(view)), sampling=proposer.card.sampling)
    most = most_of_call(request, limit, resolved.prices)
    remedy = "Raise it, or limit replies by `sampling: {max_tokens: N}` in the agent's card."
    for caps, place in _caps(resolved, task):
        if caps.usd is not None and most.usd > caps.usd:
            message = f"no call fits under ${caps.usd:g}: one of {model} takes up to ${most.usd:.4f}"
            raise _refused(places, task, place, "usd", message, remedy)
        if caps.tokens is not None and most.tokens > caps.tokens:
            message = f"no call fits under {caps.tokens} tokens: one of {model} takes up to {most.tokens}"
            raise _refused(places, task, place, "tokens", message, remedy)


def _caps(resolved: ResolvedRun, task: Task) -> list[tuple[Caps, tuple[str, ...]]]:
    """All that hold for an episode, with where they stand in the task; nowhere for those of the run."""
    return [(resolved.config.budget, ()), (task.budget, ("budget",)), (task.budget.run, ("budget", "run"))]


def _refused(places: Places, task: Task, place: tuple[str, ...], name: str, message: str, remedy: str) -> UserError:
    if place:
        return places.error(task, f"{'.'.join(place)}.{name}: {message}", *place, name, remedy=remedy)
    options: Mapping[str, str] = {"usd": places.options.usd, "tokens": places.options.max_tokens}
    return UserError(f"{options.get(name, places.options.max_calls)}: {message}", remedy=remedy)
