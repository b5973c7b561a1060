"""Where content comes from: the user's project folder first, then the defaults that ship with Loopwright."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from loopwright.errors import MissingContent
from loopwright.files import real_path

ContentKind = Literal["agents", "environments", "prompts"]

_SUFFIX = {"agents": ".yaml", "environments": "", "prompts": ".md"}
_SINGULAR = {"agents": "agent", "environments": "environment", "prompts": "prompt"}


def find_project(file: Path) -> Path:
    """The project that a file is in: the nearest folder above it with content of its own, else the file's folder.

    The search ends at the root of a repository and at the home folder.
    """
    folder = real_path(file).parent
    for candidate in (folder, *folder.parents):
        if any((candidate / kind).is_dir() for kind in _SUFFIX):
            return candidate
        if (candidate / ".git").exists() or candidate == Path.home():
            break
    return folder


def shipped_content() -> Path:
    """The folder of the defaults: package data in a wheel, the repository itself in a checkout."""
    packaged = Path(__file__).parents[1] / "_content"
    return packaged if packaged.is_dir() else Path(__file__).parents[3]


def content_name(kind: ContentKind, name: str) -> str:
    """The name of a content file or folder, with its suffix whether `name` has it or not."""
    return name.removesuffix(_SUFFIX[kind]) + _SUFFIX[kind]


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with `agents/`, `environments/` and `prompts/` of its own, each optional."""

    root: Path

    @property
    def _folders(self) -> tuple[Path, Path]:
        return (self.root, shipped_content())

    def find(self, kind: ContentKind, name: str) -> Path:
        """Finds a content file or folder by name.

        Raises:
            MissingContent: There is none, here or among the defaults; the remedy names what there is.
        """
        for folder in self._folders:
            path = folder / kind / content_name(kind, name)
            if real_path(path).is_relative_to(real_path(folder / kind)) and path.exists():
                return path
        known = self.names(kind)
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        raise MissingContent(
            f"there is no {_SINGULAR[kind]} {name!r}",
            remedy=f"{hint}There are: {', '.join(known)}. Your own go into {self.root / kind}.",
        )

    def names(self, kind: ContentKind) -> list[str]:
        """Names of all content of a kind, the user's and the shipped, sorted."""
        suffix = _SUFFIX[kind]
        found = {
            path.name.removesuffix(suffix)
            for folder in self._folders
            if (folder / kind).is_dir()
            for path in (folder / kind).iterdir()
            if path.name.endswith(suffix) and not path.name.startswith(".") and (suffix or path.is_dir())
        }
        return sorted(found | (self._nested() if kind == "environments" else set()))

    def _nested(self) -> set[str]:
        """Environments in the folder of another one, such as the problems of `discovery`."""
        pattern = "environments/*/*/environment.yaml"
        return {"/".join(path.parts[-3:-1]) for folder in self._folders for path in folder.glob(pattern)}
