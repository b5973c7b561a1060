"""The task file as typed objects, and how it is loaded."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from loopwright._yaml import Document, load_yaml, read_text
from loopwright.errors import TaskError

Name = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Instance(_Section):
    """One record of a task's data set, split into what agents may see and what they may not."""

    id: str
    goal: str
    public: Mapping[str, Any] = {}
    """The environment's fields that agents may see: starting files, visible tests."""
    hidden: Mapping[str, Any] = {}
    """Hidden tests and gold answers: for `Environment.submit` alone."""

    def without_hidden(self) -> Instance:
        """The instance as anything inside the loop may have it."""
        return self.model_copy(update={"hidden": {}})


class EnvironmentOptions(BaseModel):
    """Which environment, and its fields for every instance; the other fields are the environment's own."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str
    hidden: Mapping[str, Any] = {}
    """Fields that no agent ever sees."""


class Record(BaseModel):
    """One record of the data set; fields beside these override the environment's."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str
    goal: str | None = None
    """Replaces the task's goal."""
    hidden: Mapping[str, Any] = {}


class SandboxOptions(_Section):
    """Isolation and limits; anything weaker than the default is written to the record."""

    provider: Literal["auto", "docker", "bubblewrap"] = "auto"
    image: str | None = None
    memory_mb: int = Field(default=512, gt=0)
    pids: int = Field(default=128, gt=0)
    cpus: float = Field(default=1.0, gt=0)
    scratch_mb: int = Field(default=64, gt=0)
    timeout: float = Field(default=30.0, gt=0)
    """Seconds for one command."""
    network: Literal["none", "host"] = "none"
    require: tuple[str, ...] | None = None
    """Controls without which the task does not run; None for the default list."""


class LoopOptions(_Section):
    """The strategy and when it stops."""

    strategy: str = "refine"
    """A built-in name, an entry point, or `package.module:Class`."""
    max_iterations: int = Field(default=6, gt=0)
    plateau: int | None = Field(default=None, gt=0)
    """Stop after this many iterations without a better candidate."""
    repetition: int | None = Field(default=3, gt=1)
    """Stop when the same candidate was proposed, or the same checks failed the same way, this often in a row."""
    confirm: bool = True
    """Whether a full pass is checked once more before it stops the loop."""
    grade: Literal["answer", "all"] = "answer"
    """Which candidates the hidden checks grade after the loop: the answer, or all, to see what refining did."""


class BudgetOptions(_Section):
    """Hard caps of one episode; None is no cap."""

    model_calls: int | None = Field(default=None, gt=0)
    tokens: int | None = Field(default=None, gt=0)
    usd: float | None = Field(default=None, ge=0)
    seconds: float | None = Field(default=None, gt=0)


class AgentOptions(_Section):
    """Who plays which role: the name of a card, `rules` for the rule-made critic, or `package.module:Class`."""

    proposer: str = "proposer"
    critic: str = "rules"
    verifier: str | None = None
    """A model-graded verifier's card, or a verifier's import path; None where the environment's checks are enough."""


class Task(_Section):
    """What is asked, with everything that fixes how it is done."""

    version: Literal[1] = 1
    name: str = Name
    goal: str = Field(min_length=1)
    environment: EnvironmentOptions
    data: tuple[Record, ...] = ()
    agents: AgentOptions = AgentOptions()
    model: str | None = None
    """`provider/model` for every role that `models` does not name."""
    models: Mapping[Literal["proposer", "critic", "verifier"], str] = {}
    loop: LoopOptions = LoopOptions()
    budget: BudgetOptions = BudgetOptions()
    sandbox: SandboxOptions = SandboxOptions()
    repeats: int = Field(default=1, gt=0)
    seed: int | None = 0
    accept: float | None = Field(default=None, ge=0, le=1)
    """Pass rate below which a run counts as failed."""

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        ids = [record.id for record in self.data]
        repeated = sorted({name for name in ids if ids.count(name) > 1})
        if repeated:
            msg = f"data ids repeat: {', '.join(repeated)}"
            raise ValueError(msg)
        return self

    def instances(self) -> tuple[Instance, ...]:
        """The records of the data set, or the task itself as its only instance."""
        records = self.data or (Record(id=self.name),)
        return tuple(self._instance(record) for record in records)

    def _instance(self, record: Record) -> Instance:
        return Instance(
            id=record.id,
            goal=record.goal or self.goal,
            public={**(self.environment.model_extra or {}), **(record.model_extra or {})},
            hidden={**self.environment.hidden, **record.hidden},
        )

    @property
    def digest(self) -> str:
        """sha256 of the canonical JSON: what resuming compares."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def load_task(path: str | Path) -> Task:
    """Loads a task file.

    A mapping of the one key `file` anywhere in it, such as `tests: {file: tests.py}`, is replaced by that file's text;
    the path is relative to the task file and stays inside its folder.

    Raises:
        TaskError: With file, line, what is wrong and what to write instead.
    """
    document = load_yaml(Path(path))
    if not isinstance(document.data, dict):
        raise document.error("a task file is a mapping", remedy="Start with `version: 1`.")
    if "version" not in document.data:
        raise document.error("the key `version` is missing", remedy="Write `version: 1` as the first line.")
    data = _include(document.data, (), document)
    try:
        return Task.model_validate(data)
    except ValidationError as error:
        raise _first_problem(document, error) from None


def _include(value: Any, location: tuple[str | int, ...], document: Document) -> Any:
    if isinstance(value, dict):
        if set(value) == {"file"}:
            return _included_text(value["file"], location, document)
        return {key: _include(item, (*location, key), document) for key, item in value.items()}
    if isinstance(value, list):
        return [_include(item, (*location, index), document) for index, item in enumerate(value)]
    return value


def _included_text(name: Any, location: tuple[str | int, ...], document: Document) -> str:
    folder = document.path.parent.resolve()
    if not isinstance(name, str) or not (folder / name).resolve().is_relative_to(folder):
        raise document.error(
            f"`file: {name}` leaves the task's folder",
            (*location, "file"),
            remedy="Put the file beside the task.",
        )
    try:
        return read_text(folder / name)
    except TaskError as error:
        raise document.error(f"`file: {name}`: {error.args[0]}", (*location, "file"), remedy=error.remedy) from None


def _first_problem(document: Document, error: ValidationError) -> TaskError:
    problem = error.errors(include_url=False)[0]
    location = tuple(problem["loc"])
    dotted = ".".join(str(part) for part in location)
    if problem["type"] == "extra_forbidden":
        known = _keys_at(Task, location[:-1])
        close = difflib.get_close_matches(str(location[-1]), known, n=1)
        remedy = f"Did you mean {close[0]!r}?" if close else f"Known keys here: {', '.join(known)}."
        return document.error(f"unknown key {dotted!r}", location, remedy=remedy)
    if problem["type"] == "missing":
        return document.error(f"the key {dotted!r} is missing", location, remedy=f"Add `{location[-1]}:` here.")
    given = problem.get("input")
    shown = f", not {given!r}" if isinstance(given, str | int | float | bool) else ""
    text = problem["msg"].removeprefix("Value error, ")
    return document.error(f"{dotted}: {text}{shown}" if dotted else text, location)


def _keys_at(model: type[BaseModel], location: tuple[str | int, ...]) -> list[str]:
    for part in location:
        field = model.model_fields.get(str(part))
        if field is None:
            return []
        kinds = get_args(field.annotation) if isinstance(field.annotation, UnionType) else (field.annotation,)
        nested = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        if nested is None:
            return []
        model = nested
    return sorted(model.model_fields)
