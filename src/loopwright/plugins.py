"""Parts by name: built in, by entry point, or by import path; and whether they can do what their kind must."""

from __future__ import annotations

import difflib
import importlib
import inspect
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from importlib.machinery import PathFinder
from importlib.metadata import EntryPoints, entry_points
from pathlib import Path
from typing import Any

from loopwright.errors import MissingContent, UserError


@dataclass(frozen=True, slots=True)
class _Contract:
    """What an object must have to be of a kind; the protocols of the packages above say it for type checkers."""

    word: str
    awaited: Mapping[str, tuple[str, ...]]
    """Name of an async method to its arguments."""
    plain: Mapping[str, tuple[str, ...]]
    """Name of any other method to its arguments."""
    attributes: tuple[str, ...] = ()


_ENVIRONMENT = {
    "reset": ("instance",), "step": ("action",), "submit": ("answer",), "close": (),
}  # fmt: skip
_CONTRACTS = {
    "agents": _Contract("an agent", {"act": ("view", "models")}, {}, ("role",)),
    "detectors": _Contract("a detector", {}, {"update": ("value", "place"), "state": (), "restore": ("state",)}),
    "environments": _Contract("an environment", _ENVIRONMENT, {}),
    "exports": _Contract("an export format", {}, {"write": ("run", "output", "options")}, ("about",)),
    "image_models": _Contract(
        "an image model", {"generate": ("request",), "edit": ("request",), "close": ()}, {}, ("name", "repeatable")
    ),
    "imports": _Contract("an import format", {}, {"write": ("source", "output")}, ("about",)),
    "models": _Contract("a model", {"complete": ("request",), "close": ()}, {}, ("name", "repeatable")),
    "score_rules": _Contract("a score rule", {"score": ("outcome",)}, {}),
    "stop_rules": _Contract("a stop rule", {}, {"decide": ("context",), "describe": ("options",)}, ("name",)),
    "strategies": _Contract("a strategy", {}, {"compile": ("checkpointer",)}, ("name", "asks_critic")),
    "verifiers": _Contract("a verifier", {"verify": ("candidate", "instance")}, {}),
}


_unasked: ContextVar[Path | None] = ContextVar("unasked", default=None)


def import_nothing_for(run: Path | None) -> None:
    """Refuses import paths from now on, as a run that somebody may have sent names them; None takes them again."""
    _unasked.set(run)


def _installed(kind: str) -> EntryPoints:
    return _entry_points(f"loopwright.{kind}", tuple(sys.path))


@lru_cache(maxsize=64)
def _entry_points(group: str, path: tuple[str, ...]) -> EntryPoints:
    """What is installed in these folders, the ones of `sys.path`: to read it again takes a while."""
    return entry_points(group=group)


def is_plugin(kind: str, name: str) -> bool:
    """Whether a name is an import path or that of an entry point, rather than of a file."""
    return ":" in name or name in _installed(kind).names


def has_module(name: str, folder: Path) -> bool:
    """Whether the module of an import path is there, in a folder or among the installed ones; nothing is imported."""
    package = name.partition(":")[0].partition(".")[0]
    return bool(package) and PathFinder.find_spec(package, [str(folder.resolve()), *sys.path]) is not None


def plugin_names(kind: str) -> Sequence[str]:
    """Names of installed parts of a kind: the entry points of `loopwright.<kind>`, sorted."""
    return sorted(_installed(kind).names)


def load_plugin(kind: str, name: str, builtin: Mapping[str, Any], *, folder: Path) -> Any:
    """Finds a part such as a strategy or an environment.

    Args:
        kind: `strategies`, `stop_rules`, `score_rules`, `environments`, `agents`, `verifiers`, `models`,
            `image_models`, `detectors`, `exports` or `imports`; `loopwright.<kind>` is the group of the entry points.
        name: A built-in name, an entry point's name, or `package.module:Name`.
        builtin: The built-in parts of that kind.
        folder: Where modules are looked for beside the installed ones: the project's folder.

    Raises:
        MissingContent: There is nothing of that name; the remedy names what there is.
    """
    if name in builtin:
        return builtin[name]
    if ":" in name:
        return _imported(kind, name, folder)
    installed = {point.name: point for point in _installed(kind)}
    if name in installed:
        return installed[name].load()
    known = sorted({*builtin, *installed})
    near = difflib.get_close_matches(name, known, n=1)
    raise MissingContent(
        f"there is nothing named {name!r} among the {kind}",
        remedy=(f"Did you mean {near[0]}? " if near else "")
        + f"There are: {', '.join(known)}. Your own goes as `package.module:Name`.",
    )


def _imported(kind: str, name: str, folder: Path) -> Any:
    module_name, _, attribute = name.partition(":")
    root = str(folder.resolve())
    if run := _unasked.get():
        raise UserError(
            f"the run in {run} names code, {name}, which would be imported from {root}; this run was made elsewhere "
            "or by an older Loopwright",
            remedy=f"Look at that code. If it may run here, name its folder: --project {root} (Python: project=...).",
        )
    if root not in sys.path:
        sys.path.insert(0, root)
    try:
        return getattr(importlib.import_module(module_name), attribute)
    except (Exception, SystemExit) as error:  # importing runs the user's module, which may fail in any way
        lines = [
            frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(root)
        ]
        at = f" ({lines[-1].filename}, line {lines[-1].lineno})" if lines else ""
        kind_of = "" if isinstance(error, ImportError | AttributeError) else f"{type(error).__name__}: "
        guard = " Keep what a script does under `if __name__ == '__main__':`." if isinstance(error, SystemExit) else ""
        raise MissingContent(
            f"{kind}: {name!r} cannot be imported: {kind_of}{error}{at}",
            remedy=f"Modules are looked for in {root} and among the installed packages.{guard}",
        ) from None


def instantiate_plugin(kind: str, name: str, part: Any) -> Any:
    """The part as an object that can do what its kind must; a class is called without arguments.

    Args:
        kind: As for `load_plugin`; of `environments` and `detectors` objects alone, as their classes take an argument.
        name: As the user wrote it, for messages.
        part: What was found or handed in.

    Raises:
        UserError: The class needs arguments or fails, or the object lacks something; says what to write.
    """
    contract = _CONTRACTS[kind]
    if isinstance(part, type):
        said = f"{name}: the class of {contract.word} is called without arguments"
        _refuse_arguments(part, said, (), _ready_made(name, part))
        try:
            part = part()
        except (Exception, SystemExit) as error:  # the user's constructor may fail in any way
            raise UserError(f"{name} cannot be made: {type(error).__name__}: {error}") from None
    _check(contract, name, part)
    return part


def check_environment(name: str, part: Any) -> None:
    """Refuses what cannot make environments.

    Raises:
        UserError: It does not take the setup as its only argument, or makes no environment; says what to write.
    """
    _check_maker("environments", name, part, argument="setup", of="EnvironmentSetup")


def check_detector(name: str, part: Any) -> None:
    """Refuses what cannot make drift detectors.

    Raises:
        UserError: It does not take the settings as its only argument, or makes no detector; says what to write.
    """
    _check_maker("detectors", name, part, argument="settings", of="DetectorSettings")


def _check_maker(kind: str, name: str, part: Any, *, argument: str, of: str) -> None:
    contract = _CONTRACTS[kind]
    if not callable(part):
        raise UserError(
            f"{name} makes no {kind}: it is {_told(part)}",
            remedy=f"Name a class, or a function, that takes the `{of}` and returns {contract.word}.",
        )
    _refuse_arguments(part, f"{name} is called with the `{of}` alone", (argument,), "")
    if isinstance(part, type):
        _check(contract, name, part)


def _ready_made(name: str, part: type) -> str:
    """How to hand in an object instead of a class."""
    module, colon, _ = name.partition(":")
    if not colon:
        return f" Or hand in an object: `{part.__name__}(...)`."
    return f" Or make the object in its module, `strict = {part.__name__}(...)`, and write `{module}:strict`."


def _refuse_arguments(part: Any, said: str, arguments: tuple[str, ...], instead: str) -> None:
    try:
        signature = inspect.signature(part)
    except ValueError:  # a class of an extension module, which does not tell
        return
    try:
        signature.bind(*arguments)
    except TypeError as error:
        remedy = f"Give its arguments defaults: `def __init__(self, {', '.join([*arguments, 'limit=3'])})`.{instead}"
        raise UserError(f"{said}: {error}", remedy=remedy) from None


def _check(contract: _Contract, name: str, part: Any) -> None:
    """Refuses an object, or a class of objects, that lacks a method or an attribute of its kind."""
    for method, arguments in [*contract.awaited.items(), *contract.plain.items()]:
        awaited = method in contract.awaited
        written = f"{'async ' if awaited else ''}def {method}({', '.join(('self', *arguments))})"
        function = getattr(part, method, None)
        if not callable(function):
            raise UserError(
                f"{name} is not {contract.word}: {_told(part)} has no method `{method}`",
                remedy=f"{contract.word.capitalize()} is an object with `{written}`.",
            )
        own = inspect.unwrap(function)
        if awaited and not inspect.iscoroutinefunction(own):
            raise UserError(f"{name}: its method `{method}` is not async", remedy=f"Write `{written}`.")
        if isinstance(part, type):  # whether it takes `self` is known of an object only
            continue
        try:
            inspect.signature(function).bind(*arguments)
        except TypeError as error:
            raise UserError(f"{name}: its method `{method}`: {error}", remedy=f"Write `{written}`.") from None
    # Instances alone: what a class sets in its constructor is not there yet.
    for attribute in () if isinstance(part, type) else contract.attributes:
        if not hasattr(part, attribute):
            raise UserError(
                f"{name} is not {contract.word}: {_told(part)} has no `{attribute}`",
                remedy=f"Give it {' and '.join(f'`{each}`' for each in contract.attributes)}.",
            )


def _told(part: Any) -> str:
    if inspect.isroutine(part):
        return "a function"
    return f"the class {part.__qualname__}" if isinstance(part, type) else f"an object of {type(part).__qualname__}"
