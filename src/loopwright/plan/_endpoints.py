"""Which endpoints a run may use: the user's own, and of tasks and records those that get no key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from loopwright.agents import load_card
from loopwright.errors import TaskError, UserError
from loopwright.models import BUILTIN_ENDPOINTS, split_name, user_endpoints
from loopwright.plan._plan import RunConfig
from loopwright.project import Project
from loopwright.types import Endpoint


def known_endpoints(foreign: Mapping[str, Endpoint], given: Mapping[str, Endpoint]) -> dict[str, Endpoint]:
    """The endpoints that a run may use.

    Args:
        foreign: Those of task files, or of a record: whoever wrote them gets no key of the user, and takes no name that
            is built in.
        given: Those that the user's own program hands in.

    Raises:
        TaskError: The user's file of endpoints cannot be used.
    """
    taken = {"openai", *BUILTIN_ENDPOINTS}
    harmless = {name: endpoint for name, endpoint in foreign.items() if not endpoint.variables and name not in taken}
    return {**harmless, **user_endpoints(), **given}


def with_endpoints(config: RunConfig, given: Mapping[str, Endpoint]) -> RunConfig:
    """The configuration with the endpoints that its models name, so that the record says what they were.

    Raises:
        TaskError: The user's file of endpoints cannot be used.
    """
    of_tasks: dict[str, Endpoint] = {}
    for task in config.tasks:
        for name, endpoint in task.endpoints.items():
            if name == "openai" or name in BUILTIN_ENDPOINTS or of_tasks.get(name, endpoint) != endpoint:
                why = "is built in" if name not in of_tasks else "is another one in another task of the run"
                raise TaskError(
                    f"endpoints.{name}: an endpoint of that name {why}", remedy="Give it a name of its own."
                ).about("endpoints", name)
            of_tasks[name] = endpoint
    known = known_endpoints({**of_tasks, **config.endpoints}, given)
    named = {split_name(model)[0] for model in _models(config) if ("/" in model or ":" in model)}
    return config.model_copy(update={"endpoints": {name: known[name] for name in sorted(named & known.keys())}})


def _models(config: RunConfig) -> Iterator[str]:
    """Every model that the configuration names, in tasks, cards and options."""
    yield from config.models
    project = Project(config.project)
    for task in config.tasks:
        yield from filter(None, (task.model, *task.models.values(), *task.matrix.models))
        mitigations = task.drift.mitigations if task.drift else None
        if mitigations and mitigations.routing:
            yield from mitigations.routing.models
        agents = [task.agents.proposer, task.agents.critic, task.agents.verifier]
        agents += mitigations.routing.agents if mitigations and mitigations.routing else ()
        agents += [mitigations.consolidation.agent] if mitigations and mitigations.consolidation else []
        for agent in agents:
            try:
                yield from filter(None, (load_card(agent, project).model,) if agent and ":" not in agent else ())
            except UserError:
                continue
