"""`harbor`: task folders of Harbor as shell tasks that their tests grade."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import dropwhile
from pathlib import Path
from shlex import quote
from typing import Any

import yaml

from loopwright.archives import ENTRIES, LARGEST
from loopwright.errors import TaskError
from loopwright.files import real_path
from loopwright.imports._format import ImportResult, TakenNames, write_page
from loopwright.imports._harbor_task import (
    KNOWN_VERSION,
    HarborEnvironment,
    HarborSettings,
    image_settings,
    read_bytes,
    read_settings,
    read_source,
)
from loopwright.text import printable_line

_CANARY = re.compile(r"(?:<!--.*canary.*-->|#.*canary.*)", re.IGNORECASE)
_TURNS = 50
_COMMAND_SECONDS = 300.0
_ABOUT_IMAGE = "environment.yaml"
_VERIFIER = "-verifier"
"""How the name of an image of the tests' own ends, after that of the task."""
_SILENT = ("build_timeout_sec", "docker_image", "os")


class _LeftOut(Exception):
    """A task that cannot be carried over, in words that are the same for all such tasks."""


@dataclass(slots=True)
class _Made:
    """A task on its way."""

    name: str
    settings: HarborSettings
    files: list[Path] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


class HarborTasks:
    """Reads a task folder of Harbor, or a folder of them."""

    about = "A task folder of Harbor (`task.toml`, `instruction.md`, `tests/`), or a folder of them."

    def write(self, source: Path, output: Path) -> ImportResult:
        """Writes a task file per task, its files in a folder beside it, and a page that says what was not carried over.

        Raises:
            TaskError: There is no task, or one cannot be read.
        """
        found = (
            [source] if (source / "task.toml").is_file() else sorted(path.parent for path in source.glob("*/task.toml"))
        )
        if not found:
            raise TaskError("there is no task", path=str(source), remedy="Name a folder with a `task.toml`.")
        made: list[_Made] = []
        lost: Counter[str] = Counter()
        taken = TakenNames()
        for folder in found:
            try:
                made.append(_task(folder, source, output, taken))
            except _LeftOut as why:
                lost[f"tasks left out: {why}"] += 1
                if len(found) == 1:
                    raise TaskError(str(why), path=str(folder), remedy="Such tasks cannot be carried over.") from None
        lost.update(what for one in made for what in one.lost)
        title = f"Tasks from {real_path(source).name}"
        page = write_page(output, title, _about(made), lost, _listed(made))
        return ImportResult((page, *(path for one in made for path in one.files)), len(made), lost)


HARBOR = HarborTasks()


def _task(source: Path, within: Path, output: Path, taken: TakenNames) -> _Made:
    settings = read_settings(source / "task.toml", within)
    if settings.steps:
        raise _LeftOut("several steps")
    if settings.environment.os.lower() != "linux":
        raise _LeftOut(f"for {settings.environment.os}")
    for folder in (source / "environment", source / "tests"):
        if (folder / "Dockerfile").exists() and (folder / _ABOUT_IMAGE).exists():
            raise _LeftOut(f"an image is built from a folder with an `{_ABOUT_IMAGE}`, whose place is taken here")
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", settings.task.name.rpartition("/")[2] or real_path(source).name).strip("-.")
    name = name[:60] or "task"
    names = (name, *(f"{name}-{number}" for number in range(2, 10_000)))
    name = next(one for one in names if taken.take(one, f"{one}.yaml", f"{one}{_VERIFIER}"))
    made = _Made(name, settings)
    _tell_settings(made)
    goal = output / name / "instruction.md"
    goal.parent.mkdir()
    goal.write_text(_instruction(read_source(source / "instruction.md", within)), encoding="utf-8")
    path = output / f"{name}.yaml"
    task = _written(made, source, output)
    head = "".join(f"# {printable_line(line)}\n" for line in settings.task.description.splitlines())
    path.write_text(head + yaml.safe_dump(task, sort_keys=False, allow_unicode=True), encoding="utf-8")
    made.files += [path, goal]
    return made


def _written(made: _Made, source: Path, output: Path) -> dict[str, Any]:
    settings = made.settings
    image, cwd, env = _image(made, settings.environment, source / "environment", output, made.name)
    hidden = _hidden(made, source, output)
    if _copied(source / "solution", output / made.name / "solution", made):
        hidden["solution"] = {"file": f"{made.name}/solution/"}
    seconds = settings.agent.timeout_sec
    sandbox: dict[str, Any] = {**({"image": image} if image else {}), "user": "root"}
    limits = {"cpus": settings.environment.cpus, "memory_mb": settings.environment.memory_mb}
    sandbox |= {name: value for name, value in limits.items() if value is not None}
    return {
        "version": 1,
        "name": made.name,
        "goal": {"file": f"{made.name}/instruction.md"},
        "environment": {
            "name": "bash",
            "cwd": cwd,
            **({"setup": f"mkdir -p {quote(cwd)}"} if cwd != "/" else {}),
            "timeout": min(seconds or _COMMAND_SECONDS, _COMMAND_SECONDS),
            **({"env": env} if env else {}),
            "hidden": hidden,
        },
        "agents": {"proposer": "actor"},
        "loop": {"strategy": "react", "max_iterations": _TURNS},
        **({"budget": {"seconds": seconds}} if seconds else {}),
        "sandbox": sandbox,
    }


def _hidden(made: _Made, source: Path, output: Path) -> dict[str, Any]:
    """What grades: the tests, and what a separate verifier gets."""
    verifier = made.settings.verifier
    hidden: dict[str, Any] = {}
    tests = source / "tests"
    own = verifier.environment.docker_image if verifier.environment else None
    if verifier.separate and (own or (tests / "Dockerfile").is_file()):
        table = verifier.environment or HarborEnvironment()
        hidden["tests_image"], _, _ = _image(made, table, tests, output, f"{made.name}{_VERIFIER}")
    elif "test.sh" in _copied(tests, output / made.name / "tests", made):
        hidden["tests"] = {"file": f"{made.name}/tests/"}
    else:
        raise TaskError("there is no test.sh", path=str(tests), remedy="The tests begin with that script.")
    if verifier.separate:
        hidden["artifacts"] = ["/logs/artifacts", *_artifacts(made)]
    elif made.settings.artifacts:
        made.lost.append("`artifacts`: files that are collected for a viewer")
    hidden["tests_timeout"] = verifier.timeout_sec
    if env := _variables(verifier.env, made, "verifier.env"):
        hidden["tests_env"] = env
    return hidden


def _artifacts(made: _Made) -> list[str]:
    """The paths that a separate verifier gets."""
    paths = []
    for artifact in made.settings.artifacts:
        about = {"source": artifact} if isinstance(artifact, str) else artifact
        path = str(about.get("source", ""))
        if about.get("service") not in (None, "main"):
            made.lost.append("`artifacts` of further services")
        elif not path.startswith("/"):
            made.lost.append("`artifacts` with relative paths")
        else:
            paths.append(path)
        if about.get("exclude"):
            made.lost.append("`artifacts.exclude`")
    return paths


def _image(
    made: _Made, table: HarborEnvironment, context: Path, output: Path, name: str
) -> tuple[str | None, str, dict[str, str]]:
    """The image, its working folder and variables; what it is built from is copied, and nothing is built."""
    dockerfile = context / "Dockerfile"
    cwd, env, unknown = image_settings(dockerfile, context.parent) if dockerfile.is_file() else ("/", {}, [])
    made.lost += [f"the variable {name} of the image, whose value is not known" for name in unknown]
    if any((context / file).is_file() for file in ("docker-compose.yaml", "docker-compose.yml")):
        made.lost.append("`docker-compose.yaml`: further services")
    image = table.docker_image
    if image is None and dockerfile.is_file():
        copied = _copied(context, output / "environments" / name, made)
        image = f"harbor/{name.lower()}:{_fingerprint(output / 'environments' / name, copied)}"
        about = output / "environments" / name / _ABOUT_IMAGE
        data = {"version": 1, "name": name, "class": "bash", "image": image}
        about.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
        made.files.append(about)
    elif image is not None and not dockerfile.is_file() and table.workdir is None:
        made.lost.append("the working folder of the image, which only the image tells: set `cwd`")
    return image, table.workdir or cwd, {**env, **_variables(table.env, made, "environment.env")}


def _fingerprint(folder: Path, names: Sequence[str]) -> str:
    """Twelve digits of what an image is built from: tasks of the same name must not take each other's image."""
    told = hashlib.sha256()
    for name in names:
        content = read_bytes(folder / name, folder)
        head = f"{name}\0{(folder / name).stat().st_mode & 0o777:o}\0{len(content)}\0"
        told.update(head.encode("utf-8", "surrogateescape") + content)
    return told.hexdigest()[:12]


def _variables(given: Mapping[str, str], made: _Made, place: str) -> dict[str, str]:
    """Variables whose values stand in the task; others come from the environment of who runs Harbor."""
    literal = {name: value for name, value in given.items() if "${" not in value}
    if len(literal) < len(given):
        made.lost.append(f"`{place}`: variables that are taken from your environment")
    return literal


def _tell_settings(made: _Made) -> None:
    """Tells the settings that have no counterpart here."""
    settings, verifier = made.settings, made.settings.verifier
    if settings.newer:
        made.lost.append(f"what is new in versions of `task.toml` after {'.'.join(map(str, KNOWN_VERSION))}")
    tables: list[tuple[str, Mapping[str, Any]]] = [
        ("", settings.others),
        ("task.", settings.task.others),
        ("environment.", settings.environment.others),
        ("agent.", settings.agent.others),
        ("verifier.", verifier.others),
    ]
    if verifier.environment is not None:
        told = verifier.environment.model_dump(exclude_unset=True, exclude={*_SILENT, "workdir", "env"})
        tables.append(("verifier.environment.", told))
    made.lost += [f"`{place}{key}`" for place, others in tables for key in others]
    network = settings.environment.network_mode or (
        "no-network" if settings.environment.allow_internet is False else "public"
    )
    if network != "no-network":
        made.lost.append(f"network ({network}): sandboxes have none; `sandbox.network: host` gives this machine's")


def _instruction(text: str) -> str:
    """The words for the agent, without the marks at their beginning that keep them out of training data."""
    *lines, last = text.split("\n")
    kept = list(dropwhile(lambda line: not line.strip() or _CANARY.fullmatch(line.strip()), lines))
    return "\n".join([*kept, last] if kept or not _CANARY.fullmatch(last.strip()) else [])


def _copied(source: Path, target: Path, made: _Made) -> list[str]:
    """Copies the files of a folder; links and what is no file are told, not followed.

    Raises:
        TaskError: They are more than an archive may hold: a file with holes costs its sender nothing.
    """
    found = sorted(source.rglob("*")) if source.is_dir() and not source.is_symlink() else []
    others = [path for path in found if path.is_symlink() or not (path.is_file() or path.is_dir())]
    files = [path for path in found if path.is_file() and not path.is_symlink()]
    made.lost += ["links, and what is no regular file"] * len(others)
    if len(files) > ENTRIES or sum(path.stat().st_size for path in files) > LARGEST:
        why = f"it holds more than {ENTRIES} files or {LARGEST} bytes"
        raise TaskError(why, path=str(source), remedy="Remove files that the task does not need.")
    names = [path.relative_to(source).as_posix() for path in files]
    for path, name in zip(files, names, strict=True):
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(read_bytes(path, source))
        copy.chmod(path.stat().st_mode & 0o755)
        made.files.append(copy)
    return names


def _about(made: list[_Made]) -> str:
    built = [path.parent.name for one in made for path in one.files if path.name == _ABOUT_IMAGE]
    building = "\n".join(f"loopwright env build {name}" for name in built)
    return (
        "An agent works in a shell, as root in the image of the task. The tests grade what it leaves, in another\n"
        "sandbox.\n\n"
        + (f"Build the images first, in this folder:\n\n```\n{building}\n```\n\n" if built else "")
        + "An image needs `python3` (3.8 or later) beside Bash. Is a task sound? `loopwright validate --solutions`\n"
        "runs solutions, and an agent that does nothing. Then: `loopwright run FILE --model PROVIDER/MODEL`.\n\n"
        "Without Docker, take `image` and `user` out of `sandbox`: the task then has the programs of this machine,"
        "\nand no file of the image."
    )


def _listed(made: list[_Made]) -> str:
    about = [
        f"- `{one.name}`"
        + "".join(
            f"; {printable_line(key)}: {json.dumps(value, default=str)}" for key, value in one.settings.metadata.items()
        )
        for one in made
    ]
    return "\n- processes that the agent leaves: the tests see its files only\n\n## Tasks\n\n" + "\n".join(about)
