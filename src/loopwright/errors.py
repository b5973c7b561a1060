"""Every failure Loopwright raises, with its cause, its retry rule and its grade rule.

```
LoopwrightError
├── UserError                 cause user; never retried, never a score
│   ├── TaskError             a task file that cannot be used: file, line, remedy
│   │   └── UnknownField      an environment does not know a field of an instance
│   ├── MissingContent        an agent, prompt, environment, model or strategy of that name is not there
│   ├── MissingSecret         an API key that a model needs is not set
│   ├── MissingExtra          an optional dependency is not installed
│   ├── ClusterUnusable       the machines that a run is to work on are not there, or do not fit
│   └── RunChanged            what a run rests on changed since it was recorded
├── AgentError                cause agent; scored
│   ├── NoCandidate           the reply holds no candidate that can be executed
│   │   └── ReplyCut          the token limit cut the reply before it held one
│   └── ReplyInvalid          the reply does not fit its schema, also after one repair
├── BudgetExceeded            cause budget; ends the episode, its best answer is still scored
├── ModelError                cause model; never a score
│   ├── ModelUnavailable      no connection, time-out, 408, 409, 5xx, cut stream: retried
│   ├── ModelRateLimited      429 and 529: retried, Retry-After honoured
│   ├── ModelRejected         400, 404, 413, 422: the request itself is wrong, not retried
│   │   └── ToolsRefused      the model cannot be offered tools
│   ├── ModelUnauthorized     401, 403: not retried
│   └── ModelQuotaSpent       the account is out of credit: not retried
├── SandboxError              cause sandbox; never a score
│   ├── SandboxUnavailable    no provider can give what the task requires
│   ├── ToolServerFailed      a server of tools does not start, or does not answer as one
│   └── SandboxLost           the sandbox ended or its runner stopped answering: retried in a fresh one
│       └── WorkerLost        the worker that held the sandbox is gone: retried on another one
├── VerifierError             cause verifier: the verifier itself failed, not the candidate
├── StoreError                cause harness: the record cannot be read or written
│   ├── FolderTaken           the folder of a new run holds something already
│   ├── RunInUse              another process is writing the run
│   ├── EventTooLarge         an event holds more than is read of a line; nothing was written
│   ├── CallInDoubt           a call was in flight at a crash and may not be repeated without asking
│   └── StoreUnavailable      the shared store does not answer now
├── EpisodeSkipped            cause user: somebody left the episode out while the run worked; never a score
└── Interrupted               cause user: the run was asked to stop; it can be resumed
    └── WaitsForPerson        a person is to be asked first, and nobody answers in this process
```

Only what the agent caused is a score; an infrastructure failure never becomes a zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar, Self


class Cause(StrEnum):
    """Who or what a failure is owed to."""

    AGENT = "agent"
    BUDGET = "budget"
    MODEL = "model"
    SANDBOX = "sandbox"
    VERIFIER = "verifier"
    HARNESS = "harness"
    USER = "user"


class LoopwrightError(Exception):
    """Base of all failures.

    Attributes:
        cause: Who the failure is owed to.
        retry: Whether the same call may succeed if it is made again.
        scored: Whether the failure counts as the agent's result (a score of 0 for that candidate).
        remedy: What the reader can do about it; empty if nothing.
    """

    cause: ClassVar[Cause] = Cause.HARNESS
    retry: ClassVar[bool] = False
    scored: ClassVar[bool] = False

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message}\n  {self.remedy}" if self.remedy else message


class UserError(LoopwrightError):
    """Something the user wrote or set cannot work as it is.

    Attributes:
        location: The part of the task that it is about, such as `("loop", "strategy")`; empty where there is none.
    """

    cause = Cause.USER
    location: tuple[str, ...] = ()

    def about(self, *location: str) -> Self:
        """The error itself, with the part of the task that it is about."""
        self.location = location
        return self


class TaskError(UserError):
    """A task file that cannot be used.

    Attributes:
        path: The file, as the user named it.
        line: 1-based line, or None where the file as a whole is meant.
        column: 1-based column, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str = "",
        line: int | None = None,
        column: int | None = None,
        remedy: str = "",
    ) -> None:
        place = ":".join(str(part) for part in (path, line, column) if part)
        super().__init__(f"{place}: {message}" if place else message, remedy=remedy)
        self.path = path
        self.line = line
        self.column = column


class UnknownField(TaskError):
    """An environment does not know a field of an instance.

    Attributes:
        field: The field's name.
        hidden: Whether it stands among the hidden fields.
    """

    def __init__(self, message: str, *, field: str, hidden: bool, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.field = field
        self.hidden = hidden


class MissingContent(UserError):
    """An agent, prompt, environment, model or strategy of that name is not there."""


class MissingSecret(UserError):
    """An API key that a model needs is not set."""


class MissingExtra(UserError):
    """An optional dependency is not installed."""


class ClusterUnusable(UserError):
    """The machines that a run is to work on are not there, or do not fit."""


class RunChanged(UserError):
    """A task, prompt, card, module or version changed since the run was recorded; it goes on when told to."""


class AgentError(LoopwrightError):
    """The agent's own doing: it counts as a score of 0 for that candidate."""

    cause = Cause.AGENT
    scored = True


class NoCandidate(AgentError):
    """The reply holds no candidate that can be executed."""


class ReplyCut(NoCandidate):
    """The token limit cut the reply before it held a candidate, also with a longer limit where the budget had room."""


class ReplyInvalid(AgentError):
    """The reply does not fit its schema, also after one repair attempt."""


class BudgetExceeded(LoopwrightError):
    """A reservation would go over a hard cap; nothing was spent."""

    cause = Cause.BUDGET


class ModelError(LoopwrightError):
    """A model provider failed.

    Attributes:
        partial: What had arrived of the reply.
        begun: Whether anything of the reply had arrived, its reasoning included, so that the call costs something.
        reported: The tokens of each class that the provider reports for it, by the names of `Usage`; None for all that
            was reserved.
    """

    cause = Cause.MODEL
    partial: str = ""
    begun: bool = False
    reported: Mapping[str, int] | None = None


class ModelUnavailable(ModelError):
    """No connection, a time-out, a 408, 409 or 5xx, or a cut reply."""

    retry = True


class ModelRateLimited(ModelError):
    """The provider asks for fewer requests.

    Attributes:
        retry_after: Seconds the provider asked to wait, or None if it did not say.
    """

    retry = True

    def __init__(self, message: str, *, retry_after: float | None = None, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after = retry_after


class ModelRejected(ModelError):
    """The provider says that the request itself is wrong.

    Attributes:
        parameter: The field of the request that the provider names; empty if it names none.
    """

    def __init__(self, message: str, *, parameter: str = "", remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.parameter = parameter


class ToolsRefused(ModelRejected):
    """The model cannot be offered tools; the same can be asked for in text."""


class ModelUnauthorized(ModelError):
    """The provider refuses the key."""


class ModelQuotaSpent(ModelError):
    """The account behind the key is out of credit."""


class SandboxError(LoopwrightError):
    """A sandbox could not be opened or used."""

    cause = Cause.SANDBOX


class SandboxUnavailable(SandboxError):
    """No provider on this machine can give what the task requires."""


class SandboxLost(SandboxError):
    """The sandbox ended, or its runner stopped answering."""

    retry = True


class WorkerLost(SandboxLost):
    """The worker that held the sandbox is gone, which nothing in the sandbox is to blame for."""


class ToolServerFailed(SandboxError):
    """A server of tools does not start, or does not answer as one."""


class VerifierError(LoopwrightError):
    """The verifier failed, not the candidate."""

    cause = Cause.VERIFIER


class StoreError(LoopwrightError):
    """The record cannot be read or written."""


class FolderTaken(StoreError):
    """The folder of a new run holds something already."""


class RunInUse(StoreError):
    """Another process is writing the run."""


class EventTooLarge(StoreError):
    """An event holds more than is read of a line; the record is sound and ends with the event before."""


class CallInDoubt(StoreError):
    """A call was in flight at a crash, and nobody knows whether it happened; it is not safe to repeat."""


class StoreUnavailable(StoreError):
    """The database of the shared store, or the place for its artifacts, does not answer now; it may do so later."""


class EpisodeSkipped(LoopwrightError):
    """Somebody left the episode out while the run worked."""

    cause = Cause.USER


class Interrupted(LoopwrightError):
    """The run was asked to stop; it can be resumed."""

    cause = Cause.USER


class WaitsForPerson(Interrupted):
    """A person is to be asked first, and nobody answers in this process."""
