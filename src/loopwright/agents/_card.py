"""Agent cards: an agent as content."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Literal, Self

from jinja2 import Template, TemplateError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from loopwright.agents._types import AgentRole, View
from loopwright.errors import NoCandidate, TaskError
from loopwright.models import Message, Sampling
from loopwright.project import Project, load_yaml, read_text
from loopwright.templates import TooMuch, environment, render
from loopwright.types import PlainNumbers

_USER_MARK = "--- user ---"
_TURN_MARK = "--- turn ---"

ReplyForm = Literal["files", "text", "critique", "verdict", "ideas", "ranking"]


class ImageOptions(PlainNumbers):
    """Which pictures an agent is shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    instance: bool = True
    """Whether the picture of the instance is."""
    candidate: bool = True
    """Whether pictures among the artifacts of the candidate under way are."""
    max_side: int | None = Field(default=None, gt=0, le=100_000)
    """Pixels of the longer side; larger pictures are made smaller, which needs Pillow."""


class ProgramOptions(PlainNumbers):
    """A command-line program that plays a role: it works in the sandbox, on the files of the instance."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: tuple[str, ...] = Field(min_length=1)
    """The program and its arguments, without a shell. `{prompt}` in them is the filled prompt, `{model}` the model's
    name. The prompt is also on stdin, and in `/tmp/agent/prompt.md`."""
    files: tuple[str, ...] = ()
    """Files of the project that the sandbox has as `/tmp/agent/NAME`."""
    env: Mapping[str, str] = {}
    """Variables for it, beside `OPENAI_BASE_URL`, `OPENAI_API_KEY` and `OPENAI_MODEL`."""
    timeout: float = Field(default=1800.0, gt=0, le=86_400)
    """Seconds after which it is killed with all that it started; what it changed until then is its answer."""
    requests: int = Field(default=200, ge=0, le=100_000)
    """Requests to the model each time it runs, at most; 0 for a program that asks none."""

    @field_validator("files")
    @classmethod
    def _are_below(cls, files: tuple[str, ...]) -> tuple[str, ...]:
        for path in map(PurePosixPath, files):
            if path.is_absolute() or ".." in path.parts or not path.name:
                raise ValueError(f"a file is named by its path below the project, not {str(path)!r}")
        return files

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [*(PurePosixPath(file).name for file in self.files), "prompt.md"]
        if twice := next((name for name in names if names.count(name) > 1), ""):
            raise ValueError(f"two files would be /tmp/agent/{twice}")
        if wrong := next((word for word in (*self.command, *self.env, *self.env.values()) if "\0" in word), None):
            raise ValueError(f"a NUL byte in {wrong!r}")
        return self


class Card(BaseModel):
    """One YAML file under `agents/`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1]
    name: str
    role: AgentRole
    description: str = ""
    prompt: str
    """File under `prompts/`."""
    tool_prompt: str | None = None
    """File under `prompts/` by which actions are asked for as calls of tools, where the model can be offered tools;
    none asks in text always."""
    reply: ReplyForm | None = None
    """What is made of the reply: `files` from code blocks, the bare `text`, or JSON for the others; none with a
    program."""
    program: ProgramOptions | None = None
    """The program that plays the role, in place of one request to a model; none asks the model itself."""
    images: ImageOptions | None = None
    """Which pictures the agent is shown, after its prompt; none shows none."""
    sampling: Sampling = Sampling()
    model: str | None = None
    """`provider/model` that this agent wants; the task's `models` and the command line go first."""

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.reply is None) == (self.program is None):
            raise ValueError("a card has a `reply`, or a `program` that makes a reply unnecessary: one of both")
        if self.program and (self.role is not AgentRole.PROPOSER or self.tool_prompt or self.images):
            raise ValueError("a `program` is for a proposer, and has no `tool_prompt` and no `images`")
        return self


class Prompt(BaseModel):
    """A prompt file: a system part, a user part and perhaps a turn part, all Jinja templates."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    system: str = Field(min_length=1)
    user: str = Field(min_length=1)
    turn: str = ""
    """In a prompt that offers tools: what follows the output of the last action."""

    def render(self, view: View) -> tuple[Message, ...]:
        """Fills the system part and the user part.

        Raises:
            TaskError: The template is broken or names something that a view does not have.
            NoCandidate: What agents said so far is more than a prompt may hold.
        """
        system, user = (self._filled(text, first_line, view) for first_line, text in self.parts[:2])
        return (Message(role="system", content=system), Message(role="user", content=user))

    def render_turn(self, view: View) -> str:
        """Fills the turn part.

        Raises:
            TaskError: The template is broken or names something that a view does not have.
            NoCandidate: What agents said so far is more than a prompt may hold.
        """
        first_line, text = self.parts[2]
        return self._filled(text, first_line, view)

    @property
    def parts(self) -> tuple[tuple[int, str], ...]:
        """The templates, each after the line of the file, from 1, on which it begins."""
        user = self.system.count("\n") + 3
        return (1, self.system), (user, self.user), (user + self.user.count("\n") + 2, self.turn)

    def _filled(self, text: str, first_line: int, view: View) -> str:
        try:
            return render(_template(text), {"view": view}).strip()
        except (TemplateError, RecursionError) as error:
            if isinstance(error, TooMuch) and (view.current is not None or view.attempts or view.ideas):
                # What agents said grew too large: no other episode stops for that.
                raise NoCandidate(f"the prompt cannot be filled with all that was said so far: {error}") from None
            lineno = getattr(error, "lineno", None)
            line = None if lineno is None else first_line + lineno - 1
            raise TaskError(f"the prompt cannot be filled: {error}", path=str(self.path), line=line) from None


def load_card(name: str, project: Project) -> Card:
    """Loads a card by name.

    Raises:
        MissingContent: There is no such card.
        TaskError: The card does not fit its schema; names file and line.
    """
    document = load_yaml(project.find("agents", name))
    try:
        return Card.model_validate(document.data)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in problem["loc"])
        raise document.error(f"{place}: {problem['msg']}", tuple(problem["loc"])) from None


def load_prompt(name: str, project: Project) -> Prompt:
    """Loads a prompt file by name.

    Raises:
        MissingContent: There is no such prompt.
        TaskError: It lacks the line that separates its system part from its user part.
    """
    path = project.find("prompts", name)
    system, mark, user = read_text(path).partition(f"\n{_USER_MARK}\n")
    if not mark or not system.strip() or not user.strip():
        raise TaskError(
            "a prompt has a system part and a user part",
            path=str(path),
            remedy=f"Separate them by a line `{_USER_MARK}`.",
        )
    user, _, turn = user.partition(f"\n{_TURN_MARK}\n")
    return Prompt(path=path, system=system, user=user, turn=turn)


@cache
def _template(text: str) -> Template:
    return environment(trim_blocks=True, lstrip_blocks=True).from_string(text)
