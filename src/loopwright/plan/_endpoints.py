"""Which endpoints a run may use: the user's own, and of tasks and records those that get no key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from loopwright.agents import load_card
from loopwright.errors import TaskError, UserError
from loopwright.models import BUILTIN_ENDPOINTS, moved_endpoint, split_name
from loopwright.plan._fingerprints import agent_names
from loopwright.plan._plan import RunConfig
from loopwright.project import Project
from loopwright.task import Task
from loopwright.types import Endpoint

_TAKEN = frozenset({"diffusers", "openai", "openai-responses", "painter", *BUILTIN_ENDPOINTS})


def known_endpoints(foreign: Mapping[str, Endpoint], own: Mapping[str, Endpoint]) -> dict[str, Endpoint]:
    """The endpoints that a run may use.

    Args:
        foreign: Those of task files, or of a record: whoever wrote them gets no key of the user, and takes no name that
            is built in.
        own: Those of the user: of the file, and those that a program hands in.
    """
    harmless = {name: endpoint for name, endpoint in foreign.items() if not endpoint.variables and name not in _TAKEN}
    return {**harmless, **own}


def with_endpoints(config: RunConfig, own: Mapping[str, Endpoint]) -> RunConfig:
    """The configuration with the endpoints that its models name, so that the record says what they were.

    Of those that are built in only the ones that a variable such as `OPENAI_BASE_URL` moved are told. A resumed run
    asks where the variable leads then.

    Raises:
        TaskError: A task takes a name that is built in, or that another task gives to another endpoint.
    """
    of_tasks: dict[str, Endpoint] = {}
    for task in config.tasks:
        for name, endpoint in task.endpoints.items():
            if name in _TAKEN or of_tasks.get(name, endpoint) != endpoint:
                why = "is another one in another task of the run" if name in of_tasks else "is built in"
                raise TaskError(
                    f"endpoints.{name}: an endpoint of that name {why}", remedy="Give it a name of its own."
                ).about("endpoints", name)
            of_tasks[name] = endpoint
    known = known_endpoints({**of_tasks, **config.endpoints}, own)
    named = {split_name(model)[0] for model in _models(config) if "/" in model or ":" in model}
    moved = {name: there for name in named - known.keys() if (there := moved_endpoint(name))}
    used = {name: known[name] for name in named & known.keys()} | moved
    return config.model_copy(update={"endpoints": dict(sorted(used.items()))})


def models_of(task: Task, project: Project) -> Iterator[str]:
    """Every model that a task names, itself or by the cards of its agents."""
    yield from filter(None, (task.model, *task.models.values(), *task.matrix.models))
    yield from (*task.image_models.generator, *task.image_models.editor)
    if task.drift and "/" in task.drift.embedding:
        yield task.drift.embedding
    if task.drift and task.drift.mitigations.routing:
        yield from task.drift.mitigations.routing.models
    for agent in agent_names(task):
        try:
            model = None if ":" in agent else load_card(agent, project).model
        except UserError:
            continue
        if model:
            yield model


def _models(config: RunConfig) -> Iterator[str]:
    """Every model that the configuration names, in tasks, cards and options."""
    yield from config.models
    for task in config.tasks:
        yield from models_of(task, Project(config.project))
