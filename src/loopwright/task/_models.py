"""The task as an object; a task file is one way to write it down."""

from __future__ import annotations

import hashlib
import json
import operator
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from loopwright.errors import TaskError
from loopwright.project import plain_problem
from loopwright.task._caps import BudgetOptions
from loopwright.task._fill import Unfilled, fill
from loopwright.task._loop_options import LoopOptions
from loopwright.task._mcp_servers import McpServerName, McpServerOptions
from loopwright.task._section import Section
from loopwright.task._session import DriftOptions, SessionOptions
from loopwright.types import (
    REQUIRED_CONTROLS,
    Endpoint,
    EndpointName,
    Seed,
)

if TYPE_CHECKING:
    from loopwright.templates import Work

_STEPS, _CHARACTERS = 100, 100_000
"""What the templates of a task may do more for each record."""
_Model = TypeVar("_Model", bound=BaseModel)
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$"


def _only_plain(model: _Model) -> _Model:
    """Refuses values that no record of a run could hold, such as half a character or an infinite number."""
    for name, value in model:
        if problem := plain_problem(value):
            raise ValueError(f"{name}: {problem}")
    return model


class Instance(Section):
    """One record of a task's data set, split into what agents may see and what they may not."""

    id: str
    goal: str
    public: Mapping[str, Any] = {}
    """The environment's fields that agents may see: starting files, visible tests."""
    hidden: Mapping[str, Any] = {}
    """Hidden tests and gold answers: for `Environment.submit` alone."""
    picture: str | None = None
    """A picture that agents may be shown, as a path below the project."""
    images: tuple[str, ...] = ()
    """Artifact references of its pictures, once an episode has begun."""

    def without_hidden(self) -> Instance:
        """The instance as anything inside the loop may have it."""
        return self.model_copy(update={"hidden": {}})


class Template(Section):
    """Text with Jinja marks, filled anew for every record of the data set."""

    template: str = Field(min_length=1)
    """Jinja text; its names are the fields of a record and `id`."""


class EnvironmentOptions(BaseModel):
    """Which environment, and its fields for every instance; the other fields are the environment's own."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str
    """A built-in name, a folder under `environments/`, an entry point, or `package.module:Class`."""
    hidden: Mapping[str, Any] = {}
    """Fields that no agent ever sees: they grade answers."""

    _plain = model_validator(mode="after")(_only_plain)


class Record(BaseModel):
    """One record of the data set; fields beside these override the environment's."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str = Field(min_length=1, coerce_numbers_to_str=True)
    """Names the instance; each record has its own."""
    goal: str | None = None
    """Replaces the task's goal."""
    picture: str | None = None
    """A picture that agents may be shown, as a path below the project: PNG, JPEG, GIF or WebP."""
    hidden: Mapping[str, Any] = {}
    """Fields that no agent ever sees; they override the environment's hidden ones."""
    vars: Mapping[str, Any] = {}
    """Names for templates that are not fields of the environment."""
    hidden_vars: Mapping[str, Any] = {}
    """Names for templates of hidden fields alone."""

    @field_validator("picture")
    @classmethod
    def _is_below(cls, picture: str | None) -> str | None:
        path = PurePosixPath(picture or "")
        if path.is_absolute() or ".." in path.parts:
            raise ValueError("a picture is named by its path below the project")
        return picture or None

    _plain = model_validator(mode="after")(_only_plain)


class SandboxOptions(Section):
    """Isolation and limits; anything weaker than the default is written to the record."""

    provider: Literal["auto", "docker", "bubblewrap"] = "auto"
    """`auto` takes Docker where an engine has the image, else bubblewrap; nothing ever runs on the host."""
    image: str | None = None
    """Docker image, or the folder of a root file system for bubblewrap; none for the default."""
    memory_mb: int = Field(default=512, gt=0, le=16_777_216)
    """Memory in MB, with no swap beside it."""
    pids: int = Field(default=128, gt=0, le=4_194_304)
    """Processes and threads at a time."""
    cpus: float = Field(default=1.0, gt=0, le=4096)
    """Processors, fractions too."""
    scratch_mb: int = Field(default=64, gt=0, le=16_777_216)
    """MB of each writable folder."""
    timeout: float = Field(default=30.0, gt=0, le=604_800)
    """Seconds for one command."""
    network: Literal["none", "host"] = "none"
    """`host` gives candidates the network of this machine. A list of allowed addresses is refused: none is enforced."""
    user: Literal["user", "root"] = "user"
    """`root` is uid 0 inside, with capabilities for files alone; in Docker it may write everywhere, without a limit."""
    runtime: str | None = None
    """Docker runtime with a stronger wall, such as `runsc` or `kata-runtime`; refused where the engine lacks it."""
    require: tuple[str, ...] | None = None
    """Controls without which the task does not run; None for the default list."""

    @field_validator("network", mode="before")
    @classmethod
    def _no_list(cls, network: object) -> object:
        if isinstance(network, (list, tuple, dict)):
            raise ValueError(
                "a list of allowed addresses is not enforced by any provider, so it is refused; put what candidates "
                "need into the image or the task, or take `host` on a machine whose own firewall allows no more"
            )
        return network

    @property
    def loosened(self) -> tuple[str, ...]:
        """What is weaker than the default isolation."""
        told = [] if self.network == "none" else [f"network: {self.network}"]
        if self.user == "root":
            told.append("user: root inside, with capabilities for files; in Docker it may fill the engine's disk")
        if self.require is not None and (waived := REQUIRED_CONTROLS - set(self.require)):
            told.append(f"require: without {', '.join(sorted(waived))}")
        return tuple(told)


_Names = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda names: (names,) if isinstance(names, str) else names),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


class ImageModelOptions(Section):
    """Who draws: one name, or a list of names to choose from."""

    generator: _Names = ()
    """`provider/model` that makes a picture of a prompt."""
    editor: _Names = ()
    """`provider/model` that changes a picture as an instruction says; none makes every picture anew."""


class MatrixOptions(Section):
    """Every model with every strategy and every seed; an empty list is the task's own one."""

    models: tuple[str, ...] = ()
    """`provider/model` for every role."""
    strategies: tuple[str, ...] = ()
    """As `loop.strategy`."""
    seeds: tuple[Seed, ...] = ()
    """Each seed is a repeat of every episode."""


class AgentOptions(Section):
    """Who plays which role: the name of a card, `rules` for the rule-made critic, or `package.module:Class`."""

    proposer: str = "proposer"
    """Makes candidates."""
    critic: str = "rules"
    """Says what to change; `rules` turns failing checks into feedback without a model."""
    verifier: str | None = None
    """A model-graded verifier's card, or a verifier's import path; None where the environment's checks are enough."""
    auditor: str | None = Field(default=None, exclude_if=lambda auditor: auditor is None)
    """As `verifier`: grades the answer after the loop, by another model or method than the verifier's. Its score is the
    episode's, and tells what the loop's own verdicts are worth. None lets those and the hidden checks grade."""

    idea: str | None = Field(default=None, exclude_if=lambda idea: idea is None)
    """In a search: proposes ideas, each of which a candidate carries out, such as the card `idea`; None for none."""
    reviewer: str | None = Field(default=None, exclude_if=lambda reviewer: reviewer is None)
    """In a search: ranks ideas, such as the card `reviewer`; None tries them in their order."""

    @model_validator(mode="after")
    def _reviewer_has_ideas(self) -> Self:
        if self.reviewer and not self.idea:
            raise ValueError("reviewer: there are no ideas to rank: name `idea`, too")
        return self


class Task(Section):
    """What is asked, with everything that fixes how it is done."""

    version: Literal[1] = 1
    """The format's version; a file must say it."""
    name: str = Field(pattern=_NAME)
    """Letters, digits, dots, hyphens and underscores, at most 80; the tasks of a run have different names."""
    goal: str | Template = Field(union_mode="left_to_right")
    """What is asked, in the words that agents see."""
    environment: EnvironmentOptions
    """Where candidates are executed and checked."""
    data: tuple[Record, ...] = ()
    """The data set, one instance for each record; without one the task itself is the only instance."""
    agents: AgentOptions = AgentOptions()
    """Who plays which role."""
    model: str | None = None
    """`provider/model` for every role that `models` does not name."""
    models: Mapping[Literal["proposer", "critic", "verifier", "auditor", "summarizer", "idea", "reviewer"], str] = {}
    """`provider/model` by role."""
    image_models: ImageModelOptions = ImageModelOptions()
    """Who draws, in tasks whose candidates are pictures."""
    endpoints: Mapping[EndpointName, Endpoint] = {}
    """Servers of models by names of your own, for servers that ask for no key; the user's own file goes first."""
    loop: LoopOptions = LoopOptions()
    """The strategy, and when it stops."""
    matrix: MatrixOptions = MatrixOptions()
    """What to compare in one run."""
    budget: BudgetOptions = BudgetOptions()
    """Hard caps: a call that does not fit is not made."""
    sandbox: SandboxOptions = SandboxOptions()
    """Isolation and limits of whatever runs a candidate."""
    mcp_servers: Mapping[McpServerName, McpServerOptions] = Field(default={}, exclude_if=operator.not_)
    """Servers whose tools strategies that act offer to models, beside the actions of the environment."""
    session: SessionOptions | None = None
    """Episodes one after the other, with a memory; none for episodes that know nothing of each other."""
    drift: DriftOptions | None = None
    """A monitor that tells when the agents change, and what is done then; none for none."""
    repeats: int = Field(default=1, gt=0)
    """Episodes for each instance and variant."""
    seed: Seed | None = 0
    """Fixes what models draw, where they honour seeds; none draws anew in every run."""
    accept: float | None = Field(default=None, ge=0, le=1)
    """Pass rate below which a run counts as failed."""

    @model_validator(mode="after")
    def _goal_is_text(self) -> Self:
        if isinstance(self.goal, str) and not self.goal.strip():
            msg = "the goal is empty"
            raise ValueError(msg)
        if problem := plain_problem(self.goal):
            raise ValueError(problem)
        return self

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        repeated = sorted(name for name, times in Counter(record.id for record in self.data).items() if times > 1)
        if repeated:
            msg = f"data ids repeat: {', '.join(repeated[:3])}"
            raise ValueError(msg)
        return self

    @field_validator("endpoints")
    @classmethod
    def _endpoints_get_no_keys(cls, endpoints: Mapping[str, Endpoint]) -> Mapping[str, Endpoint]:
        for name, endpoint in endpoints.items():
            if endpoint.variables:
                raise ValueError(
                    f"{name} wants {endpoint.variables[0]}; a task file may come from anybody, so it names no keys: "
                    "put the endpoint into your own file of endpoints, which `loopwright models list` names"
                )
        return endpoints

    @field_validator("drift")
    @classmethod
    def _mitigations_have_a_session(cls, drift: DriftOptions | None, known: ValidationInfo) -> DriftOptions | None:
        if drift and drift.mitigations.named and known.data.get("session") is None:
            msg = f"mitigations.{drift.mitigations.named[0]} acts on a session; add a section `session`"
            raise ValueError(msg)
        return drift

    @property
    def loosened(self) -> tuple[str, ...]:
        """What is weaker than the default isolation: of the sandbox, and servers outside of it."""
        outside = (
            f"mcp_servers.{name}: {options.url or ' '.join(options.command)} outside of it"
            for name, options in self.mcp_servers.items()
            if options.outside
        )
        return (*self.sandbox.loosened, *outside)

    def instances(self) -> tuple[Instance, ...]:
        """The records of the data set, or the task itself as its only instance, with templates filled.

        Raises:
            TaskError: A template cannot be filled from a record.
        """
        try:
            return tuple(self.filled())
        except Unfilled as problem:
            raise TaskError(f"{'.'.join(map(str, problem.location))}: {problem}", remedy=problem.remedy) from None

    def filled(self) -> Iterator[Instance]:
        """Yields the instances.

        Raises:
            Unfilled: A template cannot be filled from a record; names its location in the task.
        """
        from loopwright.templates import Work

        work = Work()
        for index, record in enumerate(self.data or (Record(id=self.name),)):
            work.allow(_STEPS, _CHARACTERS)
            try:
                instance = self._instance(record, work)
            except Unfilled as problem:
                problem.record = index
                raise
            yield instance

    def _instance(self, record: Record, work: Work) -> Instance:
        own = record.model_extra or {}
        seen = {"id": record.id, **own, **record.vars}
        goal = self.goal if isinstance(self.goal, str) else self.goal.model_dump()
        known = {**seen, **record.hidden, **record.hidden_vars}
        # Hidden fields may be filled from hidden ones; what agents see may not.
        return Instance(
            id=record.id,
            picture=record.picture,
            goal=record.goal or fill(goal, seen, ("goal",), work),
            public={**fill(self.environment.model_extra or {}, seen, ("environment",), work), **own},
            hidden={**fill(self.environment.hidden, known, ("environment", "hidden"), work), **record.hidden},
        )

    @property
    def digest(self) -> str:
        """sha256 of the canonical JSON: what resuming compares."""
        # What is at its default is left out, so that a key which a later version knows changes no digest.
        data = {"name": self.name, **self.model_dump(mode="json", exclude_defaults=True)}
        canonical = json.dumps(data, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
