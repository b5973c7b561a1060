from __future__ import annotations

import json
import os
from pathlib import Path

import docker
import pytest

from tests.cli.conftest import Invoke

_IMAGE = f"loopwright-test/env-build:{os.getpid()}"


def _environment(project: Path, *, image: str, dockerfile: str) -> None:
    folder = project / "environments" / "mine"
    folder.mkdir(parents=True)
    (folder / "environment.yaml").write_text(f"name: mine\ndescription: My own.\nclass: python\n{image}")
    if dockerfile:
        (folder / "Dockerfile").write_text(dockerfile)


def test_own_and_shipped_environments_are_listed(invoke: Invoke, project: Path) -> None:
    _environment(project, image="", dockerfile="")
    told = json.loads(invoke("env", "list", "--json").stdout)
    kinds = {one["name"]: one["class"] for one in told}
    assert kinds["mine"] == "python"
    assert kinds["python"] is None
    assert "My own." in invoke("env", "list").stdout


@pytest.mark.parametrize(
    ("name", "image", "told"),
    [
        ("nowhere", "", "there is no environment 'nowhere'"),
        ("mine", "", "names no image"),
        ("mine", "image: a:b\n", "holds no Dockerfile"),
    ],
)
def test_what_cannot_be_built_is_told(invoke: Invoke, project: Path, name: str, image: str, told: str) -> None:
    _environment(project, image=image, dockerfile="")
    result = invoke("env", "build", name)
    assert result.exit_code == 2
    assert told in result.stderr


@pytest.mark.docker
@pytest.mark.slow
def test_an_image_is_built(invoke: Invoke, project: Path) -> None:
    _environment(project, image=f"image: {_IMAGE}\n", dockerfile="FROM scratch\nCOPY environment.yaml /e\n")
    client = docker.from_env()
    try:
        told = json.loads(invoke("env", "build", "mine", "--json").stdout)
        assert client.images.get(_IMAGE).id == told["id"]
        (project / "environments/mine/Dockerfile").write_text("FROM scratch\nCOPY nothing /e\n")
        failed = invoke("env", "build", "mine")
        assert failed.exit_code == 2
        assert "cannot be built" in failed.stderr or "fails" in failed.stderr
    finally:
        client.images.remove(_IMAGE, force=True)
        client.close()


@pytest.mark.docker
@pytest.mark.slow
def test_the_base_image_is_what_one_asks_for(invoke: Invoke, project: Path, base_image: str) -> None:
    _environment(project, image=f"image: {_IMAGE}\n", dockerfile="ARG BASE_IMAGE=nowhere/at-all\nFROM ${BASE_IMAGE}\n")
    client = docker.from_env()
    try:
        told = json.loads(invoke("env", "build", "mine", "--base-image", base_image, "--json").stdout)
        assert told["id"] == client.images.get(base_image).id
    finally:
        client.images.remove(_IMAGE)
        client.close()


def test_a_dockerfile_that_takes_no_base_image_is_told(invoke: Invoke, project: Path) -> None:
    _environment(project, image="image: a:b\n", dockerfile="FROM scratch\n")
    result = invoke("env", "build", "mine", "--base-image", "python:3.12-slim")
    assert result.exit_code == 2
    assert "takes no base image" in result.stderr


@pytest.mark.docker
@pytest.mark.slow
def test_the_python_environment_can_be_built(invoke: Invoke, project: Path, base_image: str) -> None:
    client = docker.from_env()
    try:
        before = client.images.get(base_image).id
        told = json.loads(invoke("env", "build", "python", "--base-image", base_image, "--json").stdout)
        assert (told["image"], told["id"]) == (base_image, before)
    finally:
        client.close()
