"""The task as an object; a task file is one way to write it down."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from loopwright.errors import TaskError
from loopwright.task._fill import Unfilled, fill

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


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


class Template(_Section):
    """Text with Jinja marks, filled anew for every record of the data set."""

    template: str = Field(min_length=1)


class EnvironmentOptions(BaseModel):
    """Which environment, and its fields for every instance; the other fields are the environment's own."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str
    hidden: Mapping[str, Any] = {}
    """Fields that no agent ever sees."""


class Record(BaseModel):
    """One record of the data set; fields beside these override the environment's."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str = Field(min_length=1, coerce_numbers_to_str=True)
    goal: str | None = None
    """Replaces the task's goal."""
    hidden: Mapping[str, Any] = {}
    """Fields that no agent ever sees; they override the environment's hidden ones."""
    vars: Mapping[str, Any] = {}
    """Names for templates that are not fields of the environment."""
    hidden_vars: Mapping[str, Any] = {}
    """Names for templates of hidden fields alone."""


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
    confirm: StrictBool = True
    """Whether a full pass is checked once more before it stops the loop."""
    grade: Literal["answer", "all"] = "answer"
    """Which candidates the hidden checks grade after the loop: the answer, or all, to see what refining did."""


class CapOptions(_Section):
    """Hard caps; None is no cap."""

    model_calls: int | None = Field(default=None, gt=0)
    tokens: int | None = Field(default=None, gt=0)
    usd: float | None = Field(default=None, ge=0)
    seconds: float | None = Field(default=None, gt=0)


class BudgetOptions(CapOptions):
    """Hard caps of one episode, and of all episodes of the task together."""

    run: CapOptions = CapOptions()
    """Caps of all episodes of the task in a run together."""


class MatrixOptions(_Section):
    """Every model with every strategy and every seed; an empty list is the task's own one."""

    models: tuple[str, ...] = ()
    """`provider/model` for every role."""
    strategies: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    """Each seed is a repeat of every episode."""


class AgentOptions(_Section):
    """Who plays which role: the name of a card, `rules` for the rule-made critic, or `package.module:Class`."""

    proposer: str = "proposer"
    critic: str = "rules"
    verifier: str | None = None
    """A model-graded verifier's card, or a verifier's import path; None where the environment's checks are enough."""


class Task(_Section):
    """What is asked, with everything that fixes how it is done."""

    version: Literal[1] = 1
    name: str = Field(pattern=_NAME)
    goal: str | Template = Field(union_mode="left_to_right")
    environment: EnvironmentOptions
    data: tuple[Record, ...] = ()
    agents: AgentOptions = AgentOptions()
    model: str | None = None
    """`provider/model` for every role that `models` does not name."""
    models: Mapping[Literal["proposer", "critic", "verifier"], str] = {}
    loop: LoopOptions = LoopOptions()
    matrix: MatrixOptions = MatrixOptions()
    budget: BudgetOptions = BudgetOptions()
    sandbox: SandboxOptions = SandboxOptions()
    repeats: int = Field(default=1, gt=0)
    seed: int | None = 0
    accept: float | None = Field(default=None, ge=0, le=1)
    """Pass rate below which a run counts as failed."""

    @model_validator(mode="after")
    def _goal_is_given(self) -> Self:
        if isinstance(self.goal, str) and not self.goal.strip():
            msg = "the goal is empty"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        repeated = sorted(name for name, times in Counter(record.id for record in self.data).items() if times > 1)
        if repeated:
            msg = f"data ids repeat: {', '.join(repeated[:3])}"
            raise ValueError(msg)
        return self

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
        for record in self.data or (Record(id=self.name),):
            own = record.model_extra or {}
            seen = {"id": record.id, **own, **record.vars}
            goal = self.goal if isinstance(self.goal, str) else self.goal.model_dump()
            known = {**seen, **record.hidden, **record.hidden_vars}
            # Hidden fields may be filled from hidden ones; what agents see may not.
            yield Instance(
                id=record.id,
                goal=record.goal or fill(goal, seen, ("goal",)),
                public={**fill(self.environment.model_extra or {}, seen, ("environment",)), **own},
                hidden={
                    **fill(self.environment.hidden, known, ("environment", "hidden")),
                    **record.hidden,
                },
            )

    @property
    def digest(self) -> str:
        """sha256 of the canonical JSON: what resuming compares."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
