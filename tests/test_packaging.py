"""What the package declares is what it uses."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import loopwright

HEAVY = {"diffusers", "docker", "jinja2", "langgraph", "openai", "pydantic", "rich", "torch", "xllamacpp", "yaml"}
BROUGHT = {"pydantic-core": "pydantic", "psycopg-pool": "psycopg", "langchain-core": "langgraph", "mcp-types": "mcp"}
"""Distributions that another one pins (`pydantic`), builds on (`langgraph`, `mcp`) or brings (`psycopg[pool]`)."""
REPOSITORIES = ("bill", "clock", "notes", "routes")
"""Packages of the repositories in `examples/repo` and `examples/command`."""


@pytest.fixture(scope="module")
def project(repository: Path) -> dict[str, Any]:
    data: dict[str, Any] = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    return data


def _distribution(requirement: str) -> str:
    """`Jinja2>=3; x` as `jinja2`."""
    name = re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement, maxsplit=1)[0]).lower()
    return BROUGHT.get(name, name)


_STANDARD = sys.stdlib_module_names | {"_sha2"}  # the latter since Python 3.12


def _imported(folder: Path) -> dict[str, set[str]]:
    """Top-level modules that are not the standard library's, with the files that import them."""
    found: dict[str, set[str]] = {}
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in (full.split(".")[0] for full in names):
                if name not in {"loopwright", "bench", "tests", "solution", *REPOSITORIES} and name not in _STANDARD:
                    found.setdefault(name, set()).add(str(path.relative_to(folder)))
    return found


@pytest.mark.parametrize(("folder", "of_users"), [("src/loopwright", True), ("tests", False), ("examples", True)])
def test_everything_imported_is_declared(
    folder: str, of_users: bool, repository: Path, project: dict[str, Any]
) -> None:
    extras = project["optional-dependencies"]
    groups = [project["dependencies"], *(extras[name] for name in extras if not (of_users and name == "dev"))]
    declared = {_distribution(requirement) for group in groups for requirement in group}
    owners = importlib.metadata.packages_distributions()
    missing = {
        module: files
        for module, files in _imported(repository / folder).items()
        if not {_distribution(owner) for owner in owners.get(module, [module])} & declared
    }
    assert missing == {}


def test_everything_declared_is_imported(repository: Path, project: dict[str, Any]) -> None:
    owners = importlib.metadata.packages_distributions()
    used = {
        _distribution(owner)
        for module in _imported(repository / "src" / "loopwright")
        for owner in owners.get(module, [module])
    }
    declared = {_distribution(requirement) for requirement in project["dependencies"]}
    assert declared - used == set()


def test_the_command_starts_without_the_heavy_libraries() -> None:
    program = "import sys, loopwright, loopwright.cli; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    source = str(Path(loopwright.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": source}, capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) & HEAVY == set()


def test_every_module_says_what_it_is_for(repository: Path) -> None:
    silent = [
        str(path.relative_to(repository))
        for path in (repository / "src").rglob("*.py")
        if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []
