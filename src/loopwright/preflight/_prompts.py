"""Looks into the prompts of a task's agents before anything is asked with them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.defaults import DEFAULT_NAMESPACE
from jinja2.meta import find_undeclared_variables
from pydantic import BaseModel

from loopwright.agents import AgentRole, Attempt, Memory, MemoryTurn, Prompt, View
from loopwright.candidate import Candidate
from loopwright.environments import Observation
from loopwright.errors import TaskError
from loopwright.loop import view_for, view_of
from loopwright.record import EpisodeRecord
from loopwright.task import Instance
from loopwright.verify import Check, Verdict

_SHOWN: dict[str, type[BaseModel]] = {
    kind.__name__: kind for kind in (View, Attempt, Memory, MemoryTurn, Observation, Verdict, Check, Candidate)
}
_LACKS = re.compile(r"'loopwright\.[\w.]*?(?P<kind>\w+) object' has no attribute '(?P<name>\w+)'")


def check_prompt(prompt: Prompt, role: AgentRole, instance: Instance, iterations: int) -> None:
    """Parses a prompt and fills it as at the start of an episode, and as after a failed attempt.

    What depends on a task's own fields is only known of the first prompt of a proposer; of the others, only names that
    no view has are told.

    Args:
        prompt: The words.
        role: Who asks with them.
        instance: One of the task's, without its hidden fields.
        iterations: How many an episode may have.

    Raises:
        TaskError: It is no template, or uses a name that there is not; says the line, and the names there are.
    """
    for first_line, text in prompt.parts:
        _check_names(prompt, first_line, _parsed(prompt, first_line, text))
    if role is AgentRole.PROPOSER:
        fresh = view_for(role, instance, EpisodeRecord(), current=None, iterations_left=iterations)
        _fill(prompt, fresh, strictly=True)
    _fill(prompt, _after_a_failure(role, instance, iterations), strictly=False)


def _parsed(prompt: Prompt, first_line: int, text: str) -> nodes.Template:
    try:
        return Environment(autoescape=False).parse(text)  # words for a model, not HTML
    except TemplateSyntaxError as error:
        raise TaskError(
            f"the prompt is no template: {error.message}",
            path=str(prompt.path),
            line=first_line + error.lineno - 1,
            remedy="Close every `{{ ... }}`, `{% if %} ... {% endif %}` and `{% for %} ... {% endfor %}`.",
        ) from None


def _check_names(prompt: Prompt, first_line: int, tree: nodes.Template) -> None:
    """Refuses names that are never there, also in branches that no sample comes by."""
    tested = set(_tested(tree))
    # Jinja counts a name as undeclared that is set in a branch, so what is set anywhere is taken off.
    own = {name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"}
    own |= {macro.name for macro in tree.find_all(nodes.Macro)}
    undeclared = find_undeclared_variables(tree) - {"view", *DEFAULT_NAMESPACE} - own
    for name in tree.find_all(nodes.Name):
        if name.name in undeclared and name not in tested:
            remedy = f"The only name is `view`; it has {', '.join(View.model_fields)}."
            line = first_line + name.lineno - 1
            raise TaskError(f"the prompt uses {name.name!r}, which is not there", path=str(prompt.path), line=line,
                            remedy=remedy)  # fmt: skip
    for node in tree.find_all(nodes.Getattr):
        of_view = isinstance(node.node, nodes.Name) and node.node.name == "view"
        if of_view and node not in tested and not _has(View, node.attr):
            raise _unknown(prompt, View, node.attr, first_line + node.lineno - 1)


def _tested(tree: nodes.Template) -> Iterator[nodes.Node]:
    """What may be undefined, because the template asks for it."""
    for test in tree.find_all(nodes.Test):
        if test.name in ("defined", "undefined"):
            yield test.node
    for each in tree.find_all(nodes.Filter):
        if each.name in ("default", "d") and each.node is not None:
            yield each.node


def _after_a_failure(role: AgentRole, instance: Instance, iterations: int) -> View:
    failed = Verdict(checks=(Check(name="sample", score=0, evidence="a sample"),), summary="a sample")
    attempt = Attempt(
        iteration=0,
        candidate=Candidate(text="a sample", files={str(instance.public.get("entry", "solution.py")): "a sample"}),
        observation=Observation(text="a sample", verdict=failed),
        verdict=failed,
        critique="a sample",
    )
    return view_of(role, instance, attempts=(attempt,), current=attempt, iterations_left=iterations)


def _fill(prompt: Prompt, view: View, *, strictly: bool) -> None:
    try:
        prompt.render(view)
        prompt.render_turn(view)
    except Exception as error:  # a filter or an expression of the prompt may fail in any way
        message = str(error.args[0]) if error.args else ""
        lacks = _LACKS.search(message)
        if lacks and lacks["kind"] in _SHOWN:
            raise _unknown(prompt, _SHOWN[lacks["kind"]], lacks["name"], _line_of(prompt, lacks["name"])) from None
        if isinstance(error, TaskError) and strictly:
            raise
        if strictly:
            message = f"the prompt cannot be filled: {type(error).__name__}: {error}"
            raise TaskError(message, path=str(prompt.path)) from None


def _line_of(prompt: Prompt, attribute: str) -> int | None:
    return next(
        (
            first_line + node.lineno - 1
            for first_line, text in prompt.parts
            for node in _parsed(prompt, first_line, text).find_all(nodes.Getattr)
            if node.attr == attribute
        ),
        None,
    )


def _has(kind: type[BaseModel], name: str) -> bool:
    return name in kind.model_fields or hasattr(kind, name)


def _unknown(prompt: Prompt, kind: type[BaseModel], name: str, line: int | None) -> TaskError:
    computed = [key for key, value in vars(kind).items() if isinstance(value, property) and not key.startswith("_")]
    names = [*kind.model_fields, *computed]
    near = difflib.get_close_matches(name, names, n=1)
    remedy = (f"Did you mean {near[0]!r}? " if near else "") + f"It has: {', '.join(names)}."
    word = kind.__name__.lower()
    article = "an" if word[0] in "aeiou" else "a"
    return TaskError(f"the prompt uses {name!r}, which {article} {word} has not", path=str(prompt.path), line=line,
                     remedy=remedy)  # fmt: skip
