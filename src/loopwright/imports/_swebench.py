"""`swebench`: instances of SWE-bench as repositories inside their images."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from loopwright.errors import TaskError
from loopwright.files import read_regular
from loopwright.imports._format import ImportResult, TakenNames, write_page
from loopwright.project import parse_json

_TURNS = 100
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_TEST = re.compile(r"[^:]+\.py::.+")
_KNOWN = {"created_at", "environment_setup_commit", "repo", "version", "difficulty"}
"""Fields that say nothing of what is asked or graded."""
_ABOUT = """\
tasks, one for each instance. Run one: `loopwright run INSTANCE.yaml --model PROVIDER/MODEL`.

Nothing was downloaded: `sandbox.image` names the image of each instance, and `docker pull` fetches it. Its
Python must be 3.8 or later, with pytest. The agent sees neither `tests.diff` nor `solution.diff`.

`loopwright export RUN --format swebench` writes predictions for the benchmark's own harness, whose verdict
is the one to publish.
"""


def _listed(value: Any) -> Any:
    """The data set has lists as JSON in texts."""
    return parse_json(value) if isinstance(value, str) else value


_Names = Annotated[list[str], BeforeValidator(_listed)]


class _Instance(BaseModel):
    model_config = ConfigDict(extra="allow")

    instance_id: str = Field(pattern=rf"^{_NAME.pattern}$")
    problem_statement: str = Field(min_length=1)
    base_commit: str = Field(default="", pattern=r"^([0-9a-f]{7,64})?$")
    patch: str = ""
    test_patch: str = ""
    hints_text: str | None = None
    fail_to_pass: _Names = Field(alias="FAIL_TO_PASS")
    pass_to_pass: _Names = Field(default=[], alias="PASS_TO_PASS")
    image_name: str | None = None
    docker_image: str | None = None

    @property
    def image(self) -> str:
        """The image that the row names; else the one that the benchmark's makers publish under the instance's name."""
        name = self.instance_id.lower().replace("__", "_1776_")
        return self.image_name or self.docker_image or f"docker.io/swebench/sweb.eval.x86_64.{name}:latest"


class SweBenchInstances:
    """Reads instances of SWE-bench."""

    about = "A JSON or JSON lines file of instances of SWE-bench."

    def write(self, source: Path, output: Path) -> ImportResult:
        """Writes a task file per instance, its texts in a folder beside it, and a page that says what was lost.

        Raises:
            TaskError: The file cannot be read, or holds no instance that can be carried over.
        """
        files: list[Path] = []
        lost: Counter[str] = Counter()
        seen: set[str] = set()
        taken = TakenNames()
        count = 0
        for line, instance in _instances(source):
            name = instance.instance_id
            if name in seen:
                raise TaskError(f"two instances are named {name!r}", path=str(source), line=line, remedy="Remove one.")
            seen.add(name)
            if not taken.take(name, f"{name}.yaml"):
                remedy = "Rename it: its folder or its task file would take the place of another."
                raise TaskError(f"the name {name!r} is taken", path=str(source), line=line, remedy=remedy)
            if not all(_TEST.fullmatch(test) for test in (*instance.fail_to_pass, *instance.pass_to_pass)):
                lost["instances left out: tests that are not named as pytest names them"] += 1
                continue
            lost.update(f"`{field}`" for field in sorted({*(instance.model_extra or {})} - _KNOWN))
            lost.update(["`hints_text`"] if instance.hints_text else [])
            files += _written(instance, output)
            count += 1
        if not count:
            remedy = (
                "Instances need `instance_id`, `problem_statement` and `FAIL_TO_PASS` with names such as a.py::test."
            )
            raise TaskError("no instance can be carried over", path=str(source), remedy=remedy)
        page = write_page(output, f"Instances from {source.name}", f"{count} {_ABOUT}", lost)
        return ImportResult((page, *files), count, lost)


SWEBENCH = SweBenchInstances()


def _instances(source: Path) -> Iterator[tuple[int | None, _Instance]]:
    try:
        text = read_regular(source).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError(f"the file cannot be read: {error}", path=str(source), remedy="Name a file in UTF-8.") from None
    whole = text.lstrip().startswith("[")
    # Only line feeds end a line of JSON: other separators may stand inside its texts.
    lines = [(None, text)] if whole else list(enumerate(text.split("\n"), start=1))
    for number, line in lines:
        if not line.strip():
            continue
        try:
            found = parse_json(line)
        except ValueError as error:
            remedy = "Write one JSON object per line, or one list of objects."
            raise TaskError(str(error), path=str(source), line=number, remedy=remedy) from None
        for row in found if whole else [found]:
            yield number, _instance(row, source, number)


def _instance(row: Any, source: Path, line: int | None) -> _Instance:
    try:
        return _Instance.model_validate(row)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the instance"
        remedy = "Take the rows of the data set as they are: `instance_id`, `problem_statement`, `FAIL_TO_PASS`."
        raise TaskError(f"{place}: {first['msg']}", path=str(source), line=line, remedy=remedy) from None


def _written(instance: _Instance, output: Path) -> list[Path]:
    name = instance.instance_id
    texts = {
        "problem.md": instance.problem_statement,
        "tests.diff": instance.test_patch,
        "solution.diff": instance.patch,
    }
    folder = output / name
    folder.mkdir()
    files = []
    for file, text in texts.items():
        if text:
            (folder / file).write_text(text, encoding="utf-8", newline="")
            files.append(folder / file)
    included = {"test_patch": "tests.diff", "solution": "solution.diff"}
    task = {
        "version": 1,
        "name": name,
        "goal": {"file": f"{name}/problem.md"},
        "environment": {
            "name": "repo",
            "folder": "/testbed",
            "path": ["/opt/miniconda3/envs/testbed/bin"],
            "test_timeout": 1800,
            "hidden": {
                "fail_to_pass": instance.fail_to_pass,
                "pass_to_pass": instance.pass_to_pass,
                **{field: {"file": f"{name}/{file}"} for field, file in included.items() if texts[file]},
            },
        },
        "agents": {"proposer": "actor"},
        "loop": {"strategy": "react", "max_iterations": _TURNS},
        "sandbox": {"image": instance.image, "memory_mb": 4096, "scratch_mb": 1024, "pids": 512},
    }
    path = output / f"{name}.yaml"
    head = f"# SWE-bench, base commit {instance.base_commit or 'not stated'}: the image has its files in /testbed.\n"
    path.write_text(head + yaml.safe_dump(task, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return [path, *files]
