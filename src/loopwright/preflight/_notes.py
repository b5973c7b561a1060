"""What is no error in a task, but will not do what its author wants."""

from __future__ import annotations

import os
from collections.abc import Iterator

from loopwright.agents import AgentRole, AsksModel, IgnoresIdeas, ModelAgent, NotesInstance
from loopwright.environments import KnowsVisibleChecks, TakesText
from loopwright.loop import traits_of
from loopwright.plan import PlannedEpisode, ResolvedComponents, ResolvedRun
from loopwright.preflight._servers import server_notes
from loopwright.preflight._session import session_notes
from loopwright.task import Task

STAND_IN = "unnamed/model"
"""Stands for a model that is still to be named."""


def run_notes(episode: PlannedEpisode, cast: ResolvedComponents, resolved: ResolvedRun) -> Iterator[str]:
    """What is no error in a task, but will not do what its author wants."""
    task = episode.task
    if task.sandbox.cpus > (here := os.cpu_count() or 1):
        yield (
            f"{task.name}: `sandbox.cpus` is {task.sandbox.cpus:g}, and this machine has {here}: Docker refuses that "
            "at the run, and bubblewrap gives what there is"
        )
    unnamed = [role for role, model in cast.models.items() if model == STAND_IN]
    unnamed += [
        role.value
        for role, agent in cast.agents.items()
        if isinstance(agent, AsksModel) and agent.asks_model and role.value not in cast.models
    ]
    if unnamed:
        yield (
            f"{task.name}: no model is named for the {' and the '.join(unnamed)}: "
            "run it with --model PROVIDER/MODEL, or write `model:` into the file"
        )
    for agent in cast.agents.values():
        if isinstance(agent, NotesInstance) and (told := agent.note(episode.instance)):
            yield f"{task.name}: {told}"
    yield from _unread_ideas(task, cast)
    yield from server_notes(episode, cast)
    yield from session_notes(episode, cast)
    yield from _card_notes(episode, cast, resolved)
    if cast.verifiers or AgentRole.VERIFIER in cast.agents:
        return
    maker: object = resolved.environment(task).make
    unchecked = maker.unchecked(episode.instance) if isinstance(maker, KnowsVisibleChecks) else None
    if unchecked is None:
        return
    verifier = "name a verifier: `agents: {verifier: verifier}`"
    if not unchecked.left and task.drift and task.drift.mitigations.named:
        yield (f"{task.name}: no visible check: mitigations have neither successes to go by nor probes; {verifier}")
    traits = traits_of(cast.strategy)
    if not traits.one_candidate and not traits.acts:
        left = f" but {unchecked.left}" if unchecked.left else ""
        remedy = f"{unchecked.remedy}, or {verifier}" if unchecked.remedy else verifier
        yield f"{task.name}: no visible check: {episode.strategy} has nothing to act on{left}; {remedy}"


def _unread_ideas(task: Task, cast: ResolvedComponents) -> Iterator[str]:
    """Says that ideas are paid for and change nothing, where nobody who makes candidates reads them."""
    if AgentRole.IDEA not in cast.agents:
        return
    makers = {name: arm.agent for name, arm in cast.arms.items()}
    makers = makers or {task.agents.proposer: cast.agents[AgentRole.PROPOSER]}
    if all(isinstance(agent, IgnoresIdeas) and agent.ignores_ideas for agent in makers.values()):
        yield (
            f"{task.name}: `agents.idea` is useless here: {' and '.join(makers)} does not read ideas; leave it out, or "
            "name a proposer that does, such as `coder`"
        )


def _card_notes(episode: PlannedEpisode, cast: ResolvedComponents, resolved: ResolvedRun) -> Iterator[str]:
    """Says where a card does not do what the task wants of it."""
    task, traits = episode.task, traits_of(cast.strategy)
    proposer, judge = cast.agents[AgentRole.PROPOSER], cast.agents.get(AgentRole.VERIFIER)
    maker: object = resolved.environment(task).make
    if isinstance(maker, TakesText) and isinstance(proposer, ModelAgent) and proposer.card.reply == "files":
        card = f"the card {proposer.card.name!r} asks for files, and the environment takes a text"
        yield f"{task.name}: {card}: name another one, such as `agents: {{proposer: {maker.text_card}}}`"
    loops = not traits.one_candidate and not traits.acts
    if loops and task.loop.threshold is None and isinstance(judge, ModelAgent):
        yield (
            f"{task.name}: a judge seldom gives every check a score of 1, and nothing less is good enough: "
            "write for example `loop: {threshold: 0.8}`"
        )
