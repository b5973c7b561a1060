"""The options of a run, from Python and from the command line, and the one way from tasks and options to a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, TypeVar, Unpack

from pydantic import BaseModel, ValidationError

from loopwright.agents import Agent, AgentRole
from loopwright.errors import UserError
from loopwright.loop import Strategy
from loopwright.models import Model
from loopwright.models.image import ImageModel
from loopwright.plan._plan import RunConfig
from loopwright.plan._reach import refuse_outside
from loopwright.plan._resolve import ComponentOverrides, EnvironmentMaker
from loopwright.plan._resolved_run import ResolvedRun, resolve_run
from loopwright.plugins import check_environment, import_nothing_for, instantiate_plugin
from loopwright.task import CapOptions, Task, TaskFile, open_task
from loopwright.types import Endpoint
from loopwright.verify import Verifier

_M = TypeVar("_M", bound=BaseModel)

Tasks = Task | TaskFile | str | Path | Sequence[Task | TaskFile | str | Path]
"""Tasks, paths of task files, or task files that are open already."""


class ComponentOptions(TypedDict, total=False):
    """Components that go over what tasks name: a name as in a task file, or an object; None for each task's own."""

    model: str | Model | Sequence[str | Model] | None
    """For every role, by `provider/model` or as an object with the `Model` protocol; several are compared."""
    models: Mapping[str, str | Model] | None
    """Role to its model, over the task's `models`; `model`, if there is one beside it, is for the other roles."""
    strategy: str | Strategy | Sequence[str | Strategy] | None
    """By name or as an object; several are compared."""
    proposer: str | Agent | None
    """An agent, or the name of one."""
    critic: str | Agent | None
    """As `proposer`."""
    verifier: str | Agent | Verifier | None
    """As `proposer`; also an object with the `Verifier` protocol, whose checks join the environment's."""
    auditor: str | Agent | None
    """As `proposer`: grades the answer after the loop."""
    generator: str | ImageModel | Sequence[str | ImageModel] | None
    """What makes pictures: `provider/model`, or an object with the `ImageModel` protocol; several are chosen from."""
    editor: str | ImageModel | Sequence[str | ImageModel] | None
    """As `generator`: what changes them."""
    endpoints: Mapping[str, Endpoint]
    """Servers of models by names of your own; they go before those in the user's file and in tasks."""
    environment: str | EnvironmentMaker | None
    """A class, or a function, that takes the `EnvironmentSetup` and returns an environment; or a name."""


class RunOptions(ComponentOptions, total=False):
    """What fixes a run beside its tasks. What is left out, or None, is as tasks say, or as in `RunConfig`."""

    calls: int | None
    """Model calls per instance, the same for every strategy."""
    repeats: int | None
    """Episodes per instance and strategy."""
    seed: int | None
    """Fixes the samples of models that honour seeds."""
    grade_all: bool
    """Whether the hidden checks grade every candidate after the loop."""
    budget: CapOptions | Mapping[str, Any] | None
    """Hard caps of the whole run, such as `{"usd": 2.5, "seconds": 3600}`; tasks have their own beside them."""
    prices: Path | str | None
    """The price file, without which no cost is told and no cap on cost can hold."""
    cache: Path | str | None
    """Folder of replies that runs share: a call that one of them made before is not paid again."""
    concurrency: int
    """Episodes at a time."""
    project: Path | str | None
    """Folder with own `agents/`, `prompts/`, `environments/` and modules; the current one by default."""


class _Components:
    """Components that were asked for, as names for the record and as objects."""

    def __init__(self, options: ComponentOptions) -> None:
        models, by_role = _chat_models(options)
        strategies = [_made("strategies", "strategy", one) for one in _several(options.get("strategy"))]
        drawn_by = {
            "generator": [_made("image_models", "generator", one) for one in _several(options.get("generator"))],
            "editor": [_made("image_models", "editor", one) for one in _several(options.get("editor"))],
        }
        image_models = [one for several in drawn_by.values() for one in several]
        self.image_models = {
            what: tuple(one if isinstance(one, str) else one.name for one in several)
            for what, several in drawn_by.items()
            if several
        }
        names = tuple(one if isinstance(one, str) else one.name for one in models)
        self.by_role: dict[Any, str] = {role: getattr(one, "name", one) for role, one in by_role.items()}
        # A model that is compared is one for every role: beside models by role it is the task's.
        self.models: tuple[str, ...] = () if by_role else names
        self.others: tuple[str, ...] = names if by_role else ()
        self.strategies = tuple(one if isinstance(one, str) else one.name for one in strategies)
        verifier, environment = options.get("verifier"), options.get("environment")
        if environment is not None and not isinstance(environment, str):
            check_environment("`environment`", environment)
        parts = {
            "proposer": _made("agents", "proposer", options.get("proposer")),
            "critic": _made("agents", "critic", options.get("critic")),
            "verifier": _made("agents" if hasattr(verifier, "act") else "verifiers", "verifier", verifier),
            "auditor": _made("agents", "auditor", options.get("auditor")),
            "environment": environment,
        }
        named = {role: part if isinstance(part, str) else _name(part, role) for role, part in parts.items() if part}
        objects = {named[role]: (role, part) for role, part in parts.items() if part and not isinstance(part, str)}
        self.environment = named.pop("environment", None)
        self.agents = named
        self.given = ComponentOverrides(
            models=_by_name([one for one in (*models, *by_role.values()) if not isinstance(one, str)]),
            image_models={one.name: one for one in image_models if not isinstance(one, str)},
            strategies={one.name: one for one in strategies if not isinstance(one, str)},
            agents={name: part for name, (_, part) in objects.items() if isinstance(part, Agent)},
            verifiers={name: part for name, (_, part) in objects.items() if isinstance(part, Verifier)},
            environments={name: part for name, (role, part) in objects.items() if role == "environment"},
            endpoints=dict(options.get("endpoints") or {}),
        )

    def put_into(self, task: Task) -> Task:
        """The task with the models by role, the agents and the environment that were asked for."""
        update: dict[str, object] = {}
        if self.by_role:
            matrix = task.matrix.model_copy(update={"models": ()})
            update = {"models": {**task.models, **self.by_role}, "matrix": matrix}
        if self.others:
            update["model"] = self.others[0]
        if self.agents:
            update["agents"] = task.agents.model_copy(update=self.agents)
        if self.image_models:
            update["image_models"] = task.image_models.model_copy(update=self.image_models)
        if self.environment:
            update["environment"] = task.environment.model_copy(update={"name": self.environment})
        return task.model_copy(update=update) if update else task


def opened(tasks: Tasks) -> list[Task | TaskFile]:
    """Opens the task files among tasks.

    Raises:
        TaskError: One cannot be used; with file, line, what is wrong and what to write instead.
    """
    listed = [tasks] if isinstance(tasks, Task | TaskFile | str | Path) else list(tasks)
    return [open_task(one) if isinstance(one, str | Path) else one for one in listed]


def resolve(tasks: Tasks, *, stand_in: str | None = None, **options: Unpack[RunOptions]) -> ResolvedRun:
    """Makes a run of tasks and options: episodes with filled instances, components, environments, prices.

    Args:
        tasks: Tasks, or paths of task files.
        stand_in: `provider/model` of agents for which none is named; None to refuse them.
        **options: See `RunOptions`.

    Raises:
        UserError: A task or an object cannot be used as it is.
    """
    import_nothing_for(None)
    components = _Components(options)
    found = opened(tasks)
    files = [one.path.absolute() for one in found if isinstance(one, TaskFile)]
    own = [one.task if isinstance(one, TaskFile) else one for one in found]
    asked = [components.put_into(task) for task in own]
    # A file stands for a task only as it says it itself.
    unchanged = len(files) == len(own) and asked == own
    plain = {name: value for name, value in options.items() if name in _PLAIN and value is not None}
    config = validated(
        RunConfig,
        {
            **plain,
            "tasks": tuple(asked),
            "files": tuple(files) if unchanged else (),
            "strategies": components.strategies,
            "models": components.models,
            "budget": options.get("budget") or {},
            "project": options.get("project") or Path().absolute(),
        },
    )
    run = resolve_run(config, components.given, stand_in=stand_in)
    for one in found:
        if isinstance(one, TaskFile):
            refuse_outside(one.task, run.instances[one.task.name], config.project, (config.project, one.project))
    return run


def validated(model: type[_M], fields: object, *within: str) -> _M:
    """What options of Python code make.

    Args:
        model: What is made.
        fields: The options.
        within: The option that holds them; none for all of a call.

    Raises:
        UserError: One cannot be used; it is named.
    """
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"`{'.'.join([*within, *map(str, first['loc'])])}`: {first['msg']}") from None


_PLAIN = (RunOptions.__annotations__.keys() - ComponentOptions.__annotations__.keys()) & RunConfig.model_fields.keys()
"""Options that are fields of the configuration by the same name."""


def handed_in(**options: Unpack[ComponentOptions]) -> ComponentOverrides:
    """The objects among components, as a run that is opened again takes them.

    Raises:
        UserError: One cannot do what its kind must.
    """
    return _Components(options).given


def _several(part: Any) -> Sequence[Any]:
    """One or several, as several; a class may be a sequence of its own making only as an object.

    Raises:
        UserError: It is a mapping.
    """
    if isinstance(part, Mapping):
        raise UserError("`model` is for every role", remedy="Name a model for each role by `models={ROLE: MODEL}`.")
    if part is None:
        return ()
    return tuple(part) if isinstance(part, Sequence) and not isinstance(part, str) else (part,)


def _made(kind: str, argument: str, part: Any) -> Any:
    """What was handed in, as an object that can do what its kind must; names and None as they are.

    Raises:
        UserError: It cannot.
    """
    return part if part is None or isinstance(part, str) else instantiate_plugin(kind, f"`{argument}`", part)


def _chat_models(options: ComponentOptions) -> tuple[list[Any], dict[str, Any]]:
    """The models for every role, and those of single roles, by name or as objects.

    Raises:
        UserError: One is no model, there is no such role, or several models stand beside those of roles.
    """
    models = [_made("models", "model", one) for one in _several(options.get("model"))]
    by_role = {role: _made("models", f"models.{role}", one) for role, one in (options.get("models") or {}).items()}
    if strange := [role for role in by_role if role not in set(AgentRole)]:
        raise UserError(f"`models`: there is no role {strange[0]!r}", remedy=f"Roles are {', '.join(AgentRole)}.")
    if by_role and len(models) > 1:
        raise UserError(
            f"`models` names a model for each role, and `model` {len(models)} models to compare",
            remedy="Leave one of the two out, or name one `model` for the roles that `models` does not name.",
        )
    return models, by_role


def _by_name(models: Sequence[Model]) -> dict[str, Model]:
    """Objects by the names that the record tells them by.

    Raises:
        UserError: Two of them go by one name.
    """
    found: dict[str, Model] = {}
    for model in models:
        if found.setdefault(model.name, model) is not model:
            raise UserError(
                f"two models go by the name {model.name!r}, which the record could not tell apart",
                remedy="Give each a name of its own, such as `Scripted([...], name='scripted/critic')`.",
            )
    return found


def _name(part: object, role: str) -> str:
    """Of an object in the record; the role keeps two agents of one class apart."""
    kind = part if isinstance(part, type) or hasattr(part, "__qualname__") else type(part)
    return f"{kind.__module__}:{kind.__qualname__}#{role}"
