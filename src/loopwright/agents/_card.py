"""Agent cards: an agent as content."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

from jinja2 import Template, TemplateError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from loopwright.agents._types import AgentRole, View
from loopwright.errors import TaskError
from loopwright.models import Message, Sampling
from loopwright.project import Project, load_yaml, read_text
from loopwright.templates import environment, render

_USER_MARK = "--- user ---"

ReplyForm = Literal["files", "text", "critique", "verdict"]


class Card(BaseModel):
    """One YAML file under `agents/`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1]
    name: str
    role: AgentRole
    description: str = ""
    prompt: str
    """File under `prompts/`."""
    reply: ReplyForm
    """What is made of the reply: `files` from code blocks, the bare `text`, or JSON for `critique` and `verdict`."""
    sampling: Sampling = Sampling()
    model: str | None = None
    """`provider/model` that this agent wants; the task's `models` and the command line go first."""


class Prompt(BaseModel):
    """A prompt file: a system part and a user part, both Jinja templates."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    system: str = Field(min_length=1)
    user: str = Field(min_length=1)

    def render(self, view: View) -> tuple[Message, ...]:
        """Fills both parts.

        Raises:
            TaskError: The template is broken or names something that a view does not have.
        """
        system, user = (self._filled(text, first_line, view) for first_line, text in self.parts)
        return (Message(role="system", content=system), Message(role="user", content=user))

    @property
    def parts(self) -> tuple[tuple[int, str], tuple[int, str]]:
        """Both templates, each after the line of the file, from 1, on which it begins."""
        return (1, self.system), (self.system.count("\n") + 3, self.user)

    def _filled(self, text: str, first_line: int, view: View) -> str:
        try:
            return render(_template(text), {"view": view}).strip()
        except (TemplateError, RecursionError) as error:
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
    return Prompt(path=path, system=system, user=user)


@cache
def _template(text: str) -> Template:
    return environment(trim_blocks=True, lstrip_blocks=True).from_string(text)
