"""`harbor`: shell tasks that tests grade, and repositories, as task folders of Harbor."""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from loopwright.environments import (
    BashEnvironment,
    BashFields,
    BashHidden,
    EnvironmentFolder,
    list_environments,
    load_fixture,
    read_fields,
)
from loopwright.errors import TaskError
from loopwright.export._format import ExportResult
from loopwright.export.tasks._parts import Parts, contents, put_files, setup_script, toml
from loopwright.files import read_regular

if TYPE_CHECKING:
    from loopwright.plan import PlannedEpisode, ResolvedRun
    from loopwright.repo import GradedRepository

TESTS, SOLUTION = "tests", "solution"
_VERSION = "1.4"
_HERE = Path(__file__).parent
_GRADER = _HERE / "_guest" / "grade.py"
_SCRIPT = b"#!/bin/bash\nexec python3 -I /tests/grade.py\n"
_DEFAULT_IMAGE = "python:3.12-slim"
_FOLDER = "/app"
"""Where a repository lies that has its place below `/work` here: Harbor's images have no such folder."""


class HarborFolders:
    """A task folder per instance, which Harbor runs and `import harbor` reads."""

    about = "A folder per instance: instruction, settings, an image to build, the tests, and the solution if asked for."

    def write(self, run: ResolvedRun, output: Path, include: Collection[str]) -> ExportResult:
        """Writes the folders.

        Raises:
            TaskError: A task cannot be graded there, or its tests were not asked for.
        """
        if TESTS not in include:
            raise TaskError(
                "a task of Harbor is graded by its hidden tests, which leave only if they are named",
                remedy="Name them: `--include tests` (Python: include=['tests']).",
            )
        files: list[Path] = []
        lost: Counter[str] = Counter()
        first = {(one.task.name, one.instance.id): one for one in reversed(run.episodes)}
        names: set[str] = set()
        for episode in reversed(first.values()):
            parts = _parts(run, episode)
            name = _name(episode, names)
            files += _folder(run, episode, parts, output / name, SOLUTION in include)
            lost.update(parts.lost)
        return ExportResult(tuple(files), len(first), lost)


HARBOR = HarborFolders()


def _name(episode: PlannedEpisode, taken: set[str]) -> str:
    own = episode.instance.id
    whole = episode.task.name if own == episode.task.name else f"{episode.task.name}-{own}"
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", whole).strip("-")[:60] or "task"
    options = (name, *(f"{name}-{number}" for number in range(2, 10_000)))
    found = next(one for one in options if one.casefold() not in taken)
    taken.add(found.casefold())
    return found


def _parts(run: ResolvedRun, episode: PlannedEpisode) -> Parts:
    from loopwright.repo import RepoEnvironment

    resolved = run.environment(episode.task)
    image = episode.task.sandbox.image or resolved.image or _DEFAULT_IMAGE
    if resolved.make is BashEnvironment:
        return _shell(episode, image)
    if resolved.make is RepoEnvironment:
        return _repository(episode, image)
    raise TaskError(
        f"{episode.task.name}: tasks of the environment {episode.task.environment.name!r} are graded here alone",
        remedy="Tasks of `bash` with hidden `tests`, and of `repo`, can be carried over.",
    )


def _shell(episode: PlannedEpisode, image: str) -> Parts:
    instance = episode.instance
    fields = read_fields(BashFields, instance.public, "environment")
    hidden = read_fields(BashHidden, instance.hidden, "environment.hidden")
    if hidden.gold:
        raise TaskError(
            f"{episode.task.name}: a gold command grades it, which is executed here alone",
            remedy="Write hidden `tests` with a `test.sh`.",
        )
    setup = setup_script(fields.env, "/", fields.setup, strict=False) if fields.setup else ""
    parts = Parts(
        image=image,
        workdir=fields.cwd,
        env=fields.env,
        start=load_fixture(fields.fixture, fields.files).archive,
        setup=setup,
        tests=contents(hidden.tests),
        solution=contents(hidden.solution),
    )
    verifier: dict[str, Any] = {"timeout_sec": hidden.tests_timeout}
    if hidden.tests_env:
        verifier["env"] = dict(hidden.tests_env)
    if hidden.tests_image:
        parts.settings["verifier.environment"] = {"docker_image": hidden.tests_image}
        verifier["environment_mode"] = "separate"
        parts.artifacts = tuple(hidden.artifacts or ())
    elif hidden.artifacts is not None:
        parts.lost.append("`artifacts`: the tests see all that the agent left")
    parts.settings["verifier"] = verifier
    if fields.persistent:
        parts.lost.append("`persistent`: each agent of Harbor has a shell of its own kind")
    return parts


def _repository(episode: PlannedEpisode, image: str) -> Parts:
    from loopwright.repo import COMMIT, GradedRepository, packed_tree

    task = GradedRepository.of(episode.instance)
    fields = task.fields
    folder = _FOLDER if fields.folder.startswith("/work/") else fields.folder
    lost = []
    if folder != fields.folder and any(fields.folder in text for text in (fields.setup, task.suite.command)):
        lost.append(f"commands that name {fields.folder}: the files lie in {folder}")
    path = {"PATH": ":".join((*fields.path, "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"))}
    env = path if fields.path else {}
    seconds = fields.test_timeout
    return Parts(
        image=image,
        workdir=folder,
        env=env,
        start=packed_tree(folder, task.base),
        setup=setup_script(env, folder, f"({COMMIT})\n{fields.setup}", strict=True),
        tests={"test.sh": _SCRIPT, **_grader(task, folder)},
        solution=_solution(task, folder),
        # Named tests and a command have their own time; the rest is for reading and writing.
        settings={"verifier": {"timeout_sec": 2 * seconds + 60}},
        lost=lost,
    )


def _grader(task: GradedRepository, folder: str) -> dict[str, bytes]:
    from loopwright.repo import TEST_FILES

    fields, suite, deciding = task.fields, task.suite, task.deciding
    put = {
        path: {"data": base64.b64encode(entry.data).decode(), "kind": entry.kind}
        for path, entry in deciding.put(task.base, suite).items()
    }
    told = {
        "folder": folder,
        "runner": fields.runner,
        "python_path": fields.python_path,
        "plugins": fields.plugins,
        "names": list(dict.fromkeys(suite.names)),
        "command": suite.command,
        "junit": fields.junit,
        "must_fail": suite.must_fail,
        "timeout": fields.test_timeout,
        "settings": TEST_FILES,
        "told": sorted(deciding.told),
        "folders": sorted(deciding.folders),
        "patterns": deciding.patterns,
        "modules": sorted(deciding.modules),
        "put": put,
    }
    reading = {"junit.py": _reader()} if fields.junit else {}
    return {"grade.py": _GRADER.read_bytes(), "suite.json": json.dumps(told, indent=1).encode(), **reading}


def _reader() -> bytes:
    from loopwright.repo import JUNIT_READER

    return JUNIT_READER.read_bytes()


def _solution(task: GradedRepository, folder: str) -> dict[str, bytes]:
    if task.solution is None:
        return {}
    made = {path: one for path, one in task.solution.items() if task.base.get(path) != one and one.kind != "link"}
    gone = [f"rm -f -- {quote(f'{folder}/{path}')}" for path in sorted(task.base.keys() - task.solution)]
    links = [
        f"ln -sfn -- {quote(one.data.decode())} {quote(f'{folder}/{path}')}"
        for path, one in task.solution.items()
        if one.kind == "link" and task.base.get(path) != one
    ]
    copy = [f"cp -a /solution/files/. {quote(folder)}/"] if made else []
    script = "\n".join(["#!/bin/bash", "set -e", *gone, *copy, *links, ""])
    return {"solve.sh": script.encode(), **{f"files/{path}": one.data for path, one in made.items()}}


def _folder(run: ResolvedRun, episode: PlannedEpisode, parts: Parts, folder: Path, with_solution: bool) -> list[Path]:
    environment = {"start.tar": parts.start, **({"setup.sh": parts.setup.encode()} if parts.setup else {})}
    context, head = _context(run, parts)
    dockerfile = f"{head.rstrip()}\n{parts.dockerfile}".encode()
    files = {
        "instruction.md": episode.instance.goal.encode(),
        "task.toml": toml(_settings(episode, parts, folder.name)).encode(),
        **{f"environment/{name}": data for name, data in {**context, **environment, "Dockerfile": dockerfile}.items()},
        **{f"tests/{name}": data for name, data in parts.tests.items()},
    }
    if with_solution:
        files |= {f"solution/{name}": data for name, data in parts.solution.items()}
    return put_files(folder, files)


def _settings(episode: PlannedEpisode, parts: Parts, name: str) -> Mapping[str, Mapping[str, Any]]:
    task = episode.task
    agent = {"timeout_sec": task.budget.seconds} if task.budget.seconds else {}
    environment: dict[str, Any] = {"network_mode": "no-network" if task.sandbox.network == "none" else "public"}
    environment |= {"cpus": max(1, round(task.sandbox.cpus)), "memory_mb": task.sandbox.memory_mb}
    environment["workdir"] = parts.workdir
    if parts.env:
        environment["env"] = dict(parts.env)
    head: dict[str, Any] = {"schema_version": _VERSION}
    if parts.artifacts:
        head["artifacts"] = list(parts.artifacts)
    return {
        "": head,
        "task": {"name": f"loopwright/{name.lower()}"},
        **({"agent": agent} if agent else {}),
        "environment": environment,
        **parts.settings,
    }


def _context(run: ResolvedRun, parts: Parts) -> tuple[dict[str, bytes], str]:
    """Files and first lines of the image: those of the environment that builds it, where one here does."""
    found = next((one for one in list_environments(run.resolver.project) if _builds(one, parts.image)), None)
    if found is None:
        return {}, f"ARG BASE_IMAGE={parts.image}\nFROM ${{BASE_IMAGE}}\n"
    files = {
        path.relative_to(found.folder).as_posix(): read_regular(path, within=found.folder)
        for path in sorted(found.folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and "__pycache__" not in path.parts
    }
    dockerfile = files.pop("Dockerfile").decode()
    files.pop("environment.yaml", None)
    if taken := {"start.tar", "setup.sh"} & files.keys():
        raise TaskError(
            f"the environment {found.name!r} has a file {min(taken)}, whose place is taken", remedy="Rename it."
        )
    return files, dockerfile


def _builds(folder: EnvironmentFolder, image: str) -> bool:
    return folder.image == image and (folder.folder / "Dockerfile").is_file()
