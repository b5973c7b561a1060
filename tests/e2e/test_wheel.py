"""The wheel, alone in an empty environment, runs a task from a folder that knows nothing of the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution, PathDistribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

pytestmark = pytest.mark.slow

CONTENT = ("agents", "environments", "prompts")


def _run(*argv: str | Path, cwd: Path) -> str:
    """Runs a program without anything of this process's Python set-up; returns its standard output."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        [str(part) for part in argv],
        cwd=cwd,
        env=environment | {"HOME": str(cwd), "XDG_CACHE_HOME": str(cwd / "cache")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{argv}: exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that is built from the source distribution, so that both are seen to be whole."""
    folder = tmp_path_factory.mktemp("build")
    build = (sys.executable, "-m", "hatchling", "build", "--directory", folder / "dist", "--target")
    _run(*build, "sdist", cwd=repository)
    _run("tar", "-xzf", next((folder / "dist").glob("*.tar.gz")), cwd=folder)
    _run(*build, "wheel", cwd=next(path for path in folder.iterdir() if path.name.startswith("loopwright-")))
    return next((folder / "dist").glob("*.whl"))


def _required(wanted: Distribution) -> set[str]:
    """The distributions that one asks for, and those that they ask for, by name."""
    found: set[str] = set()
    asked = [(wanted, "")]
    for dist, extra in asked:
        for requirement in map(Requirement, dist.requires or ()):
            if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
                continue
            for more in ("", *requirement.extras):
                if (key := f"{requirement.name}[{more}]") not in found:
                    found.add(key)
                    asked.append((distribution(requirement.name), more))
    return {key.partition("[")[0] for key in found}


def _link(installed: Distribution, packages: Path) -> None:
    """Makes an installed distribution, and nothing beside it, part of another environment."""
    for file in installed.files or ():
        source, target = Path(str(file.locate())), packages / file
        if ".." not in file.parts and source.exists() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source.resolve())


def test_wheel_holds_the_content_the_types_and_the_licence(wheel: Path, repository: Path) -> None:
    expected = {
        f"loopwright/_content/{path.relative_to(repository)}"
        for kind in CONTENT
        for path in (repository / kind).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert expected
    assert expected - names == set()
    assert "loopwright/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"loopwright"}


def test_installed_alone_it_runs_a_task_from_an_unrelated_folder(wheel: Path, repository: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    _run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=tmp_path)
    python = environment / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python)
    # Only what is imported gets compiled, by Python itself.
    _run(*pip, "install", "--quiet", "--no-compile", "--no-deps", wheel, cwd=tmp_path)
    packages = next(environment.glob("lib/python*/site-packages"))
    for name in _required(PathDistribution(next(packages.glob("loopwright-*.dist-info")))):
        _link(distribution(name), packages)
    _run(*pip, "check", cwd=tmp_path)

    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(repository / "tests" / "e2e" / "scripted", elsewhere)
    loopwright = environment / "bin" / "loopwright"
    _run(loopwright, "run", "triple.yaml", "--model", "scripted/replies.yaml", "--accept", "1", cwd=elsewhere)

    _run(loopwright, "init", "mine", cwd=elsewhere)
    _run(loopwright, "run", "mine/tasks", "--accept", "1", "--out", "mine/run", cwd=elsewhere)

    shown = _run(loopwright, "show", next((elsewhere / "runs").iterdir()), cwd=elsewhere)
    assert "triple" in shown
    package = _run(python, "-c", "import loopwright; print(loopwright.__file__)", cwd=elsewhere)
    assert Path(package.strip()).is_relative_to(environment)
