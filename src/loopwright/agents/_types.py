"""The agent contract: what a role sees, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from loopwright.agents._memory import Memory
from loopwright.environments import Workplace
from loopwright.errors import UserError
from loopwright.models import Message, Reply, Request, Tool
from loopwright.models.image import ImageReply, ImageRequest
from loopwright.task import Instance, Threshold
from loopwright.types import Attempt, Candidate, Critique, ValueOptions, Verdict


class AgentRole(StrEnum):
    """The part an agent plays in the loop."""

    PROPOSER = "proposer"
    CRITIC = "critic"
    VERIFIER = "verifier"
    AUDITOR = "auditor"
    """After the loop: grades the answer by another model or method than the verifier's."""
    SUMMARIZER = "summarizer"
    """Outside the loop: what a long session leaves in memory."""
    IDEA = "idea"
    """In a search: proposes several ideas, each of which a candidate may carry out."""
    REVIEWER = "reviewer"
    """In a search: ranks ideas before they cost anything."""


class ActionRequest(BaseModel):
    """How a strategy that acts asks for the next action."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    style: str = "act"
    """`act` for the bare action, `react` for a thought before it, `again` with rewards shown, `plan` for a plan, `step`
    for a step of the plan."""
    plan: str = ""
    """The steps of the plan, one a line; empty without a plan."""
    step: str = ""
    """The step to carry out now; empty after the last one."""
    tools: tuple[Tool, ...] = ()
    """The environment's actions as tools, for a model that calls tools; none where no action is asked for."""


class View(BaseModel):
    """All that a role may see. Hidden checks and gold answers have no field here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: AgentRole
    goal: str
    public: Mapping[str, Any] = {}
    """The instance's public fields: starting files, visible tests."""
    memory: Memory = Memory()
    """What the proposer remembers of the session; nothing without one. For a summarizer, what to sum up."""
    attempts: tuple[Attempt, ...] = ()
    """All earlier attempts, oldest first; none for a proposer that starts afresh, and none for a verifier."""
    current: Attempt | None = None
    """The attempt to improve, to criticise or to score; None for a fresh start. Its `candidate` is None where the reply
    held none: proposers and critics see such attempts, too."""
    iterations_left: int | None = None
    """How many iterations may follow; None where the role is not told."""
    threshold: Threshold | None = None
    """What is good enough; None where only a full pass is."""
    value: ValueOptions | None = None
    """What is maximised or minimised beside the score; None for nothing."""
    action: ActionRequest = ActionRequest()
    """How the next action is asked for; only strategies that act use it."""
    images: tuple[str, ...] = ()
    """Artifact references of the instance's pictures."""
    words: int | None = None
    """How many words a summary may have; None where none is asked for."""
    ideas: tuple[str, ...] = ()
    """Those that a reviewer ranks; for a proposer the one that the candidate is to carry out."""
    operation: str = ""
    """What a search tells the proposer to do: `edit`, `rewrite` or `combine`; empty for anything."""
    wanted: int | None = None
    """How many ideas are asked for; None where none is."""


class AgentReply(BaseModel):
    """What an agent answers; the field of its role is set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidate: Candidate | None = None
    critique: Critique | None = None
    verdict: Verdict | None = None
    ideas: tuple[str, ...] | None = None
    ranking: tuple[int, ...] | None = None
    """Numbers of the ideas that were shown, from 0, the most promising first."""
    message: Message | None = None
    """Beside an action: the reply that calls a tool, as the next request tells it."""


@dataclass(frozen=True, slots=True)
class NamedModels:
    """The models that a task names."""

    chat: Mapping[str, str] = field(default_factory=dict)
    """Role to `provider/model`; roles without a model are left out."""
    generators: tuple[str, ...] = ()
    """Image models that make a picture."""
    editors: tuple[str, ...] = ()
    """Image models that change a picture."""
    project: Path = Path()
    """The project's folder, where prompts are looked for first."""


@runtime_checkable
class ModelClient(Protocol):
    """How an agent reaches a model: journalled, budgeted and retried by whoever hands it in."""

    async def complete(self, request: Request) -> Reply:
        """Answers one request.

        Raises:
            ModelError: The provider failed for good.
            BudgetExceeded: The call does not fit the budget any more; it was not made.
        """
        ...


@runtime_checkable
class KeepsArtifacts(Protocol):
    """Optional, of a model client: it keeps bytes in the run, such as pictures."""

    async def put(self, data: bytes) -> str:
        """Stores bytes and returns their artifact reference, for `Candidate.artifacts` and `Message.images`."""
        ...

    async def picture(self, reference: str, max_side: int | None) -> str:
        """The reference of a picture whose longer side has so many pixels at most.

        Raises:
            ValueError: It is no picture that models take.
            MissingExtra: A limit is set, and Pillow is not installed.
        """
        ...


@runtime_checkable
class FansOut(Protocol):
    """Optional, of a model client: it serves many calls of one step at once."""

    def part(self, number: int) -> ModelClient:
        """A way to the models for one part of the work: what its calls are does not depend on which came first."""
        ...


@runtime_checkable
class RunsPrograms(Protocol):
    """Optional, of a model client: it has a program work in a sandbox on the files of the instance."""

    async def run_program(
        self,
        asked: Mapping[str, Any],
        start: Candidate | None,
        program: Callable[[Workplace], Coroutine[Any, Any, Mapping[str, Any]]],
    ) -> Mapping[str, Any]:
        """Runs a program, or answers from the record if it came to its end before a crash.

        Args:
            asked: All that decides what the program does, as plain data.
            start: The candidate whose files it finds; None for those that the instance begins with.
            program: Does the work and says what came of it, as plain data.

        Raises:
            UserError: The environment has no files that a program could work on.
            BudgetExceeded: A cap on time was reached; the program was stopped.
            SandboxError: There is no sandbox, or it was lost twice.
            Exception: Whatever the program raises.
        """
        ...


@runtime_checkable
class NamesModels(Protocol):
    """Optional, of a model client: it tells which models the task names, for agents that are no cards."""

    @property
    def named(self) -> NamedModels:
        """The models."""
        ...


def model_of(role: AgentRole | str, models: ModelClient) -> str:
    """The model that the task names for a role: by `--model`, `matrix.models`, `models` or `model`, in this order.

    Raises:
        UserError: None is named.
    """
    name = models.named.chat.get(str(role)) if isinstance(models, NamesModels) else None
    if not name:
        raise UserError(
            f"no model is named for the {role}", remedy=f"Name one: --model, `model:` or `models: {{{role}: ...}}`."
        )
    return name


@runtime_checkable
class DrawsImages(NamesModels, Protocol):
    """Optional, of a model client: it reaches image models."""

    async def draw(self, request: ImageRequest) -> ImageReply:
        """Makes pictures of a prompt; changes a picture where the request has some.

        Raises:
            ModelError: The provider failed for good.
            BudgetExceeded: The call does not fit the budget any more; it was not made.
        """
        ...

    async def get(self, reference: str) -> bytes:
        """The bytes behind an artifact reference.

        Raises:
            StoreError: There is no such artifact.
        """
        ...


@runtime_checkable
class KnowsTools(Protocol):
    """Optional, of a model client: it can say which models can be offered tools."""

    def can_call_tools(self, model: str) -> bool:
        """Whether the model of that name can."""
        ...


@runtime_checkable
class KnowsLogprobs(Protocol):
    """Optional, of a model client: it can say which models give log-probabilities."""

    def can_give_logprobs(self, model: str) -> bool:
        """Whether the model of that name does."""
        ...


@runtime_checkable
class KnowsTurnSeed(Protocol):
    """Optional, of a model client: it has a seed for choices that an agent makes by chance."""

    @property
    def turn_seed(self) -> int | None:
        """Another one for each episode, repeat and iteration, the same in a rerun; None where the task has no seed."""
        ...


@runtime_checkable
class Prepares(Protocol):
    """Optional, of a proposer: it works something out before the loop, such as a checklist."""

    async def prepare(self, view: View, models: ModelClient) -> Mapping[str, Any]:
        """Public fields beside those of the instance: every role sees them. Asked once for an episode, and recorded.

        Raises:
            ModelError: The provider failed for good.
            BudgetExceeded: There was no budget left for the call.
            VerifierError: Nothing that the loop could go by came of it; the episode gets no score.
        """
        ...


@runtime_checkable
class Learns(Protocol):
    """Optional, of a proposer: it learns from the episodes of its task and variant."""

    def learn(self, attempts: Sequence[Attempt]) -> None:
        """Takes the attempts of an episode that came to its end, in this process or in one before a resume.

        What is learned must reach an episode by what `prepare` returns, which is recorded: else a resume could come to
        another end.
        """
        ...


@runtime_checkable
class RecallsAttempts(Protocol):
    """Optional, of a proposer: on a fresh start it sees earlier attempts, too.

    For rules, which go by what failed before. A model would be led the same way again.
    """

    @property
    def recalls_attempts(self) -> bool:
        """Whether it does."""
        ...


@runtime_checkable
class HasRandom(Protocol):
    """Optional, of a model client: it has random numbers that a resume draws again."""

    def random(self) -> Random:
        """A fresh source, fixed by the task's seed and the place of the node in the run."""
        ...


@runtime_checkable
class AsksModel(Protocol):
    """Optional, of an agent that is no card: it asks the chat model that the task names for its role (`model_of`)."""

    @property
    def asks_model(self) -> bool:
        """Whether it does; checks before a run and the record then name the model."""
        ...


@dataclass(frozen=True, slots=True)
class CallBounds:
    """The most that an agent asks of models."""

    requests: int = 0
    """Requests to its chat model each time it acts, without repairs."""
    images: int = 0
    """Pictures each time it acts."""
    prepares: str = ""
    """What its chat model is asked for before the loop, such as "a checklist"; empty where it is not asked."""


@runtime_checkable
class BoundsCalls(Protocol):
    """Optional, of an agent that is no card: it can say before a run how often it asks models."""

    def bounds(self, instance: Instance) -> CallBounds:
        """The most there can be for an instance."""
        ...


@runtime_checkable
class IgnoresIdeas(Protocol):
    """Optional, of a proposer: it says whether it goes by the idea of the view; without this it is taken to."""

    @property
    def ignores_ideas(self) -> bool:
        """Whether ideas change nothing in what it makes; a check before a run then says so."""
        ...


@runtime_checkable
class MakesWhole(Protocol):
    """Optional, of a proposer: it says that it makes whole candidates, and cannot be asked for an action."""

    @property
    def makes_whole(self) -> bool:
        """Whether it does; a check before a run then refuses strategies that act."""
        ...


@runtime_checkable
class NotesInstance(Protocol):
    """Optional, of an agent: it can say before a run that it can do little with an instance."""

    def note(self, instance: Instance) -> str:
        """What to know and what to do about it; empty where all is well."""
        ...


@runtime_checkable
class Agent(Protocol):
    """Anything that plays a role."""

    @property
    def role(self) -> AgentRole:
        """The part it plays."""
        ...

    async def act(self, view: View, models: ModelClient) -> AgentReply:
        """Answers for its role.

        Raises:
            AgentError: The reply cannot be used; it counts as the agent's result.
            ModelError: The provider failed for good.
            BudgetExceeded: There was no budget left for the call.
        """
        ...
