"""Which endpoints a run may use: the user's own, and of tasks and records those that get no key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from loopwright.agents import load_card
from loopwright.errors import UserError
from loopwright.models import user_endpoints
from loopwright.plan._plan import RunConfig
from loopwright.project import Project
from loopwright.types import Endpoint


def known_endpoints(foreign: Mapping[str, Endpoint], given: Mapping[str, Endpoint]) -> dict[str, Endpoint]:
    """The endpoints that a run may use.

    Args:
        foreign: Those of task files, or of a record: whoever wrote them must not get a key of the user.
        given: Those that the user's own program hands in.

    Raises:
        TaskError: The user's file of endpoints cannot be used.
    """
    without_keys = {name: endpoint for name, endpoint in foreign.items() if not endpoint.variables}
    return {**without_keys, **user_endpoints(), **given}


def with_endpoints(config: RunConfig, given: Mapping[str, Endpoint]) -> RunConfig:
    """The configuration with the endpoints that its models name, so that the record says what they were.

    Raises:
        TaskError: The user's file of endpoints cannot be used.
    """
    of_tasks = {name: endpoint for task in config.tasks for name, endpoint in task.endpoints.items()}
    known = known_endpoints({**of_tasks, **config.endpoints}, given)
    named = {model.partition("/")[0] for model in _models(config)}
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
        for agent in (task.agents.proposer, task.agents.critic, task.agents.verifier):
            try:
                yield from filter(None, (load_card(agent, project).model,) if agent and ":" not in agent else ())
            except UserError:
                continue
