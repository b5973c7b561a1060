"""What a run's results rest on beside its configuration: fingerprints, to see what changed between two processes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from loopwright._version import __version__
from loopwright.agents import load_card
from loopwright.errors import MissingContent, UserError
from loopwright.files import open_regular
from loopwright.plan._plan import PlannedEpisode, RunConfig
from loopwright.project import ContentKind, Project, content_name
from loopwright.task import Task
from loopwright.types import Endpoint

GONE = ""
"""The fingerprint of what is not there, or cannot be read."""
_PART = 1024 * 1024


def fingerprints(config: RunConfig, episodes: Sequence[PlannedEpisode]) -> dict[str, str]:
    """Name to fingerprint of what a run rests on beside the tasks in its configuration.

    These are the version of Loopwright, the agents' cards, their prompts, environment folders, the price file,
    baselines of drift monitors, and the modules that are named as `package.module:Name`. What such a module imports,
    and the weights behind a model's name, are not looked at.
    """
    found = {"loopwright": __version__}
    project = Project(config.project)
    for task in {episode.task.name: episode.task for episode in episodes}.values():
        found |= dict(_parts(task, project))
    named = {name for episode in episodes for name in (episode.strategy, *episode.task.loop.stop_rules)}
    named |= {episode.task.drift.detector for episode in episodes if episode.task.drift}
    found |= dict(_module(name, project) for name in named if ":" in name)
    if config.prices is not None:
        found[f"price file {config.prices.name}"] = _digest(config.prices)
    return dict(sorted(found.items()))


def endpoint_fingerprints(endpoints: Mapping[str, Endpoint]) -> dict[str, str]:
    """Fingerprints of servers of models."""
    return {f"endpoint {name}": endpoint.fingerprint for name, endpoint in sorted(endpoints.items())}


def agent_names(task: Task) -> Iterator[str]:
    """The agents that a task names: of its roles, and of what is done about drift."""
    yield from filter(None, (task.agents.proposer, task.agents.critic, task.agents.verifier, task.agents.auditor))
    mitigations = task.drift.mitigations if task.drift else None
    if mitigations and mitigations.consolidation:
        yield mitigations.consolidation.agent
    if mitigations and mitigations.routing:
        yield from mitigations.routing.agents


def _parts(task: Task, project: Project) -> Iterator[tuple[str, str]]:
    if pictures := sorted({record.picture for record in task.data if record.picture}):
        digests = "".join(_digest(project.root / picture) for picture in pictures)
        yield f"pictures of {task.name}", hashlib.sha256(digests.encode()).hexdigest()
    if task.drift and task.drift.baseline:
        yield f"baseline {task.drift.baseline}", _digest(project.root / task.drift.baseline)
    for name in agent_names(task):
        if ":" in name:
            yield _module(name, project)
        elif name != "rules":
            yield _content(project, "agents", name)
            try:
                card = load_card(name, project)
            except UserError:
                continue
            for prompt in filter(None, (card.prompt, card.tool_prompt)):
                yield _content(project, "prompts", prompt)
            for file in card.program.files if card.program else ():
                yield f"file {file}", _digest(project.root / file)
    if ":" in task.environment.name:
        yield _module(task.environment.name, project)
        return
    name, digest = _content(project, "environments", task.environment.name)
    if digest != GONE:
        yield name, digest


def _content(project: Project, kind: ContentKind, name: str) -> tuple[str, str]:
    try:
        digest = _digest(project.find(kind, name))
    except MissingContent:
        digest = GONE
    return f"{kind}/{content_name(kind, name)}", digest


def _module(name: str, project: Project) -> tuple[str, str]:
    module = name.partition(":")[0]
    return f"module {module}", _digest(_source(module, project.root))


def _source(module: str, root: Path) -> Path:
    """The file of a module: of the project, else of an installed package."""
    inside = root.joinpath(*module.split("."))
    for file in (inside.with_suffix(".py"), inside / "__init__.py"):
        if file.is_file():
            return file
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        spec = None
    return Path(spec.origin if spec and spec.origin else inside)


def _digest(path: Path) -> str:
    """sha256 of a file, or of the names and bytes of a folder's files."""
    total = hashlib.sha256()
    try:
        files = sorted(_files(path)) if path.is_dir() else [path]
        for file in files:
            total.update(b"%d " % file.stat().st_size)
            total.update(file.relative_to(path).as_posix().encode("utf-8", "surrogateescape"))
            with open_regular(file) as content:
                while part := content.read(_PART):
                    total.update(part)
    except OSError:
        return GONE
    return total.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for file in folder.rglob("*"):
        inside = file.relative_to(folder).parts
        if file.is_file() and "__pycache__" not in inside and not any(part.startswith(".") for part in inside):
            yield file
