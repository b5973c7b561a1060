"""A task folder of Harbor as it lies on disk: its settings and what its Dockerfile says of the working folder."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from loopwright.errors import TaskError
from loopwright.files import read_regular

KNOWN_VERSION = (1, 4)
"""The newest `schema_version` that was looked at."""
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class _Table(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)

    @property
    def others(self) -> Mapping[str, Any]:
        """What is written there beside the fields below; nothing that is empty."""
        return {name: value for name, value in (self.model_extra or {}).items() if value not in (None, [], {}, 0, "")}


class HarborEnvironment(_Table):
    """The table `environment`."""

    docker_image: str | None = None
    os: str = "linux"
    cpus: float | None = Field(default=None, gt=0)
    memory_mb: int | None = Field(default=None, gt=0)
    workdir: str | None = None
    env: Mapping[str, str] = {}
    network_mode: str | None = None
    allow_internet: bool | None = None
    build_timeout_sec: float | None = None


class HarborAgent(_Table):
    """The table `agent`."""

    timeout_sec: float | None = Field(default=None, gt=0)


class HarborVerifier(_Table):
    """The table `verifier`."""

    timeout_sec: float = Field(default=600.0, gt=0)
    env: Mapping[str, str] = {}
    environment_mode: str | None = None
    environment: HarborEnvironment | None = None

    @property
    def separate(self) -> bool:
        """Whether the verifier has a container of its own."""
        return self.environment_mode == "separate" or (self.environment_mode is None and self.environment is not None)


class HarborPackage(_Table):
    """The table `task`."""

    name: str = ""
    version: JsonValue = None
    description: str = ""
    authors: JsonValue = None
    keywords: JsonValue = None


class HarborSettings(_Table):
    """A `task.toml`."""

    schema_version: str | None = None
    version: str | None = None
    source: str | None = None
    task: HarborPackage = HarborPackage()
    metadata: Mapping[str, Any] = {}
    environment: HarborEnvironment = HarborEnvironment()
    agent: HarborAgent = HarborAgent()
    verifier: HarborVerifier = HarborVerifier()
    steps: list[Any] = []
    artifacts: list[str | Mapping[str, Any]] = []

    @property
    def newer(self) -> bool:
        """Whether its version is newer than what was looked at."""
        found = re.match(r"(\d{1,9})\.(\d{1,9})", self.schema_version or self.version or "")
        return found is not None and (int(found[1]), int(found[2])) > KNOWN_VERSION


def read_settings(path: Path, within: Path) -> HarborSettings:
    """Reads a `task.toml` below a folder.

    Raises:
        TaskError: It is none; file and line are named.
    """
    text = read_source(path, within)
    try:
        return HarborSettings.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        where = int(line[1]) if line else text.count("\n") + 1
        raise TaskError(str(error), path=str(path), line=where, remedy="Write TOML.") from None
    except RecursionError:
        raise TaskError("it is nested too deeply", path=str(path), remedy="Write plain TOML.") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        remedy = "Harbor's documentation lists the settings of a task."
        raise TaskError(f"{place}: {first['msg']}", path=str(path), remedy=remedy) from None
    except ValueError as error:  # a number that has too many digits
        raise TaskError(str(error), path=str(path), remedy="Write smaller numbers.") from None


def read_source(path: Path, within: Path) -> str:
    """Reads a text of the source, through no link below a folder.

    Raises:
        TaskError: It is not there, behind a link, or no text.
    """
    try:
        return read_bytes(path, within).decode("utf-8-sig")
    except ValueError as error:
        raise TaskError(f"the file cannot be read: {error}", path=str(path), remedy="Write UTF-8.") from None


def read_bytes(path: Path, within: Path) -> bytes:
    """Reads a file of the source, through no link below a folder.

    Raises:
        TaskError: It is not there, behind a link, or too large.
    """
    try:
        return read_regular(path, within=within)
    except OSError as error:
        why = error.strerror or error
        raise TaskError(f"the file cannot be read: {why}", path=str(path), remedy="Name a task folder.") from None


def image_settings(dockerfile: Path, within: Path) -> tuple[str, dict[str, str], list[str]]:
    """What a Dockerfile's last stage says of the working folder and the variables.

    Args:
        dockerfile: The file.
        within: The folder below which no link is followed.

    Returns:
        The folder; the variables; names of variables whose value is made from others, and is not known.

    Raises:
        TaskError: The file cannot be read.
    """
    folder, env = "/", {"PATH": _PATH}
    unknown: list[str] = []
    for word, rest in _instructions(read_source(dockerfile, within)):
        if word == "FROM":
            folder, env, unknown = "/", {"PATH": _PATH}, []
        elif word == "WORKDIR":
            folder = str(PurePosixPath(folder) / rest.strip("\"'"))
        elif word == "ENV":
            for name, value in _variables(rest):
                value = _filled(value, env)
                if "$" in value:
                    unknown.append(name)
                else:
                    env[name] = value
    if env["PATH"] == _PATH:
        del env["PATH"]
    return folder, env, unknown


def _filled(value: str, env: Mapping[str, str]) -> str:
    return re.sub(r"\$\{?(\w+)\}?", lambda found: env.get(found[1], found[0]), value)


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    lines = (line for line in text.split("\n") if not line.lstrip().startswith("#"))
    for line in re.sub(r"\\[ \t\r]*\n", " ", "\n".join(lines)).split("\n"):
        word, _, rest = line.strip().partition(" ")
        yield word.upper(), rest.strip()


def _variables(text: str) -> Iterator[tuple[str, str]]:
    first = text.split(maxsplit=1)
    if first and "=" not in first[0]:
        yield first[0], " ".join(first[1:])
        return
    try:
        words = shlex.split(text)
    except ValueError:  # a quotation that nobody closed: Docker refuses it, too
        return
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            yield name, value
