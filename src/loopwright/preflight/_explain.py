"""What there is to say about a task before it runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from loopwright.agents import Agent, AgentRole, CommandAgent, ModelAgent
from loopwright.errors import MissingContent
from loopwright.loop import BEST_OF_N, REFINE, traits_of, view_for, what_is_seen
from loopwright.models import Message
from loopwright.plan import ResolvedComponents
from loopwright.preflight._estimate import estimate_run
from loopwright.preflight._notes import STAND_IN
from loopwright.preflight._validate import CheckedRun
from loopwright.record import EpisodeRecord
from loopwright.task import Task
from loopwright.text import counted

_NODES = {"__start__": "START", "__end__": "END"}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A task as it would run, in plain words and data."""

    task: str
    instances: int
    episodes: int
    model_calls: int | None
    """The most there can be; None where nothing bounds it."""
    images: int | None
    """The most pictures there can be; None where nothing bounds it."""
    graphs: Mapping[str, Sequence[str]]
    """Strategy to its edges."""
    roles: Mapping[str, str]
    sees: Mapping[str, Sequence[str]]
    """Role to what may reach it."""
    never_shown: Sequence[str]
    """Fields that go into the environment's grader alone."""
    stop_rules: Mapping[str, str]
    otherwise: Mapping[str, str]
    """Shipped strategy to what it does where no rule stops it."""
    limits: Mapping[str, str]
    loosened: Sequence[str]
    """What is weaker than the default isolation."""
    session: Mapping[str, str]
    """What goes across episodes; empty where nothing does."""

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    def as_text(self) -> str:
        """As a page for the terminal."""
        calls = _at_most(self.model_calls, "model calls")
        images = "" if self.images == 0 else f", {_at_most(self.images, 'pictures')}"
        lines = [
            f"{self.task}: {counted(self.instances, 'instance')}, {counted(self.episodes, 'episode')}, {calls}{images}"
        ]
        for strategy, edges in self.graphs.items():
            lines += ["", f"Graph of {strategy}", *(f"  {edge}" for edge in edges)]
        lines += _block("Roles", self.roles)
        lines += _block("What each role sees", {role: ", ".join(seen) for role, seen in self.sees.items()})
        lines += ["", f"Never shown to any: {', '.join(self.never_shown) or 'nothing; the task has no hidden fields'}"]
        lines += _block("Stops when", self.stop_rules)
        lines += _block("If no rule stops the loop, the first that applies", self.otherwise) if self.otherwise else []
        lines += _block("Limits", self.limits)
        lines += [f"  loosened: {what}" for what in self.loosened]
        lines += _block("Across episodes", self.session) if self.session else []
        return "\n".join(lines)


def _at_most(number: int | None, what: str) -> str:
    return f"without a ceiling on {what}" if number is None else f"at most {number} {what}"


def explain_run(checked: CheckedRun) -> Explanation:
    """Explains the only task of a configuration."""
    task = checked.config.tasks[0]
    instance = checked.episodes[0].instance
    roles: dict[str, str] = {}
    sees: dict[str, Sequence[str]] = {}
    graphs: dict[str, Sequence[str]] = {}
    public = sorted(instance.public)
    for episode in checked.episodes:
        cast = checked.cast(episode)
        if episode.strategy not in graphs:
            graphs[episode.strategy] = _edges(cast)
        for role, agent in cast.agents.items():
            roles.setdefault(role.value, _who(agent, cast.models.get(role.value)))
            acts = "how the strategy asks for the next action" if traits_of(cast.strategy).acts else ""
            sees.setdefault(
                role.value,
                what_is_seen(
                    role,
                    public=", ".join(public),
                    memory=_memory(task),
                    threshold="what is good enough" if task.loop.threshold else "",
                    value=_aim(task),
                    action=acts,
                    operation="what to do: edit, rewrite or combine" if cast.arms else "",
                    idea="the idea to carry out" if AgentRole.IDEA in cast.agents else "",
                    images="the instance's picture" if instance.picture and _shows_picture(agent) else "",
                ),
            )
        for what in ("generator", "editor"):
            if what in cast.all_models:
                roles.setdefault(what, f"asks {cast.all_models[what]}")
        for verifier in cast.verifiers:
            roles.setdefault("verifier", f"{type(verifier).__qualname__}, beside the environment's checks")
            sees.setdefault("verifier", ["the candidate", "the goal", f"the fields {', '.join(public)}"])
    first = checked.episodes[0].task
    total = estimate_run(checked).total
    casts = {episode.strategy: checked.cast(episode) for episode in checked.episodes}
    return Explanation(
        task=task.name,
        instances=len(checked.instances[task.name]),
        episodes=len(checked.episodes),
        model_calls=total.model_calls,
        images=total.images,
        graphs=graphs,
        roles={**roles, "environment": task.environment.name},
        sees=sees,
        never_shown=sorted(f"hidden.{name}" for name in instance.hidden),
        stop_rules=_stop_rules(first, casts),
        otherwise=_otherwise(first, casts),
        limits=_limits(first),
        loosened=task.loosened,
        session=_across(first),
    )


def _aim(task: Task) -> str:
    value = task.loop.value
    return f"what to {value.direction}: {value.name}" if value else ""


def first_prompt(checked: CheckedRun) -> tuple[Message, ...]:
    """What the proposer of the first episode is first asked.

    Raises:
        MissingContent: The proposer is not made from a card: what it asks is its own affair.
    """
    episode = checked.episodes[0]
    proposer = checked.cast(episode).agents[AgentRole.PROPOSER]
    if not isinstance(proposer, ModelAgent | CommandAgent):
        raise MissingContent(
            f"{episode.task.agents.proposer} has no prompt to show: it is no card, and what it asks is its own affair",
            remedy="Leave out --prompt. After a run, `loopwright show RUN EPISODE --transcript` tells what it asked.",
        )
    view = view_for(
        AgentRole.PROPOSER,
        episode.instance.without_hidden(),
        EpisodeRecord(),
        current=None,
        iterations_left=episode.task.loop.max_iterations,
        options=episode.task.loop,
    )
    return proposer.prompt.render(view)


def _edges(cast: ResolvedComponents) -> list[str]:
    """The graph's edges by source, in the order in which the loop comes by."""
    targets: dict[str, list[str]] = {}
    for edge in cast.strategy.compile(None).get_graph().edges:
        targets.setdefault(edge.source, []).append(edge.target)
    lines, waiting, seen = [], ["__start__"], {"__start__"}
    while waiting:
        source = waiting.pop(0)
        found = sorted(targets.get(source, ()), key=lambda target: target == "__end__")
        if found:
            lines.append(f"{_NODES.get(source, source)} -> {' | '.join(_NODES.get(name, name) for name in found)}")
        waiting += [target for target in found if target not in seen]
        seen.update(found)
    return lines


def _shows_picture(agent: Agent) -> bool:
    images = agent.card.images if isinstance(agent, ModelAgent) else None
    return images is not None and images.instance


def _who(agent: Agent, model: str | None) -> str:
    if isinstance(agent, ModelAgent):
        drawn = agent.card.sampling.model_dump(exclude_defaults=True)
        sampling = ", ".join(f"{name} {value}" for name, value in drawn.items())
        model = "a model still to be named" if agent.model == STAND_IN else agent.model
        said = f"{model}, card {agent.card.name}, prompt {agent.card.prompt}, replies with {agent.card.reply}"
        said += f", by tools ({agent.card.tool_prompt}) where the model can call them" if agent.tool_prompt else ""
        return f"{said}, {sampling}" if sampling else said
    if isinstance(agent, CommandAgent):
        asked = "no model" if agent.model is None else "a model still to be named" if agent.model == STAND_IN else model
        most = f", {agent.program.requests} requests at most" if agent.model else ""
        command = " ".join(agent.program.command)
        return f"{asked}{most}, card {agent.card.name}, prompt {agent.card.prompt}, the command `{command}`"
    return f"{type(agent).__qualname__}, {model or 'no model that it names'}"


def _memory(task: Task) -> str:
    """What the proposer remembers of its session, in words."""
    if task.session is None:
        return ""
    memory = task.session.memory
    return f"up to {memory.turns} earlier turns of its session, {memory.tokens} tokens at most"


def _across(task: Task) -> dict[str, str]:
    """What goes across episodes: their sequence, the monitor, and what is done about drift."""
    told = {}
    if task.session is not None:
        told["session"] = f"episodes one after the other; the proposer sees {_memory(task)}"
    drift = task.drift
    if drift is None:
        return told
    told["drift"] = (
        f"baseline {drift.baseline}" if drift.baseline else f"baseline: the first {drift.first} interactions"
    )
    told["drift"] += f", detector {drift.detector}"
    if drift.fail:
        told["drift"] += "; an alarm for the worse makes the exit code 1"
    if done := drift.mitigations.consolidation:
        told["consolidation"] = (
            f"every {done.every} turns, and when C_sem or C_path alarms: {done.agent} sums up the last {done.reviewed} "
            f"in {done.tokens} tokens, the last {done.raw} stay; {_guard(done.probes)}"
        )
        if done.probes and done.forget:
            told["consolidation"] += "; all is forgotten where they go better without any memory"
    if routing := drift.mitigations.routing:
        told["routing"] = (
            f"over {', '.join(routing.choices)}, by success and stability; who drifts is reset and answers "
            f"{routing.probes} probes a round" + ("; the run stops where a person must look" if routing.stop else "")
        )
    if anchoring := drift.mitigations.anchoring:
        told["anchoring"] = (
            f"up to {anchoring.most} examples, {anchoring.tokens} tokens at most, the further the index has fallen; "
            f"{_guard(anchoring.probes)}"
        )
    return told


def _guard(probes: int) -> str:
    return f"undone where {probes} probes get worse" if probes else "without a guard"


def _stop_rules(task: Task, casts: Mapping[str, ResolvedComponents]) -> dict[str, str]:
    """The rules that may stop one of the strategies, in the order in which they are asked."""
    asked: dict[str, dict[str, list[str]]] = {}
    for strategy, cast in casts.items():
        for rule in dict.fromkeys((*traits_of(cast.strategy).stop_rules, *cast.stop_rules)):
            if when := rule.describe(task.loop):
                asked.setdefault(rule.name, {}).setdefault(when, []).append(strategy)
    return {
        name: "; ".join(
            when + ("" if len(strategies) == len(casts) else f" ({', '.join(strategies)})")
            for when, strategies in told.items()
        )
        for name, told in asked.items()
    }


def _otherwise(task: Task, strategies: Iterable[str]) -> dict[str, str]:
    """What the shipped strategies do where no rule stops them."""
    restarts = task.loop.repetition is None or task.loop.repetition > 2
    steps = [
        *(
            ["the same failure came twice in a row: restart from the task, without earlier attempts"]
            if restarts
            else []
        ),
        "the critic asks for something: do it",
        "the latest candidate is worse than the best one: go back to the best one",
        "in all other cases: continue from the latest candidate",
    ]
    policies = {
        BEST_OF_N.name: "restart from the task, without earlier attempts",
        REFINE.name: "; ".join(f"{number}. {step}" for number, step in enumerate(steps, 1)),
    }
    return {name: policies[name] for name in strategies if name in policies}


def _limits(task: Task) -> dict[str, str]:
    sandbox = task.sandbox
    caps = {
        **_caps("", task.budget.model_dump(exclude={"run"})),
        **_caps("all episodes: ", task.budget.run.model_dump()),
    }
    return {
        "sandbox": f"{sandbox.provider}, image {sandbox.image or 'the default'}",
        "a command": f"{sandbox.timeout:g} s, {sandbox.memory_mb} MB, {sandbox.pids} processes, {sandbox.cpus:g} CPUs",
        "scratch": f"{sandbox.scratch_mb} MB",
        "network": sandbox.network,
        **caps,
    }


def _caps(prefix: str, caps: Mapping[str, Any]) -> dict[str, str]:
    return {f"{prefix}{name}": str(amount) for name, amount in caps.items() if amount is not None}


def _block(title: str, items: Mapping[str, str]) -> list[str]:
    width = max(map(len, items), default=0)
    return ["", title, *(f"  {name:{width}}  {text}" for name, text in items.items())]
