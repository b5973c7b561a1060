"""Gets data sets from their public homes, or from a copy on this machine, and checks what came."""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from loopwright.bench._data import data_folder
from loopwright.errors import MissingContent, UserError

_INTERCODE = "https://github.com/princeton-nlp/intercode/archive/c3e46d8.tar.gz"
_HUMANEVAL = "https://raw.githubusercontent.com/openai/human-eval/6d43fb980f9fee3c892a914eda09951f772ad10d/data/HumanEval.jsonl.gz"
_LARGEST = 400 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """A data set's public home, pinned."""

    url: str
    keep: tuple[str, ...] = ()
    """Folders and files of an archive that are kept; the rest of it is of no use here."""
    sha256: Mapping[str, str] = field(default_factory=dict)
    """File to its checksum, where this project has seen the file."""
    bytes: Mapping[str, int] = field(default_factory=dict)
    """File to its size, where that is all that is known of it."""


SOURCES: Mapping[str, Source] = MappingProxyType(
    {
        "intercode": Source(
            _INTERCODE,
            keep=(
                "data/nl2bash",
                "data/sql/spider",
                "data/python/mbpp",
                "data/ctf",
                "docker/bash_scripts",
                "LICENSE.md",
            ),
            sha256={
                "nl2bash_fs_1.json": "60f88e1aacc7ebba535093f9890c5c33203f4e5f32958e0e94fbe90ec4f01c82",
                "nl2bash_fs_4.json": "ce41b89450f87765a02a51df259ca0c1762e8249185c022adb089147e2c16200",
                "ic_spider_dbs.sql": "61f6e8000cb5bb696f123fa55e111acdcd8da7eca64f452a36fd1a6e5fb1781a",
            },
            bytes={
                "nl2bash_fs_2.json": 11_158,
                "nl2bash_fs_3.json": 11_264,
                "ic_spider_dev.json": 1_001_475,
                "ic_mbpp.json": 535_519,
                "ic_ctf.json": 32_766,
            },
        ),
        "mbpp": Source(_INTERCODE, keep=("data/python/mbpp",), bytes={"ic_mbpp.json": 535_519}),
        "humaneval": Source(_HUMANEVAL),
    }
)
"""Data sets by name. None of them is copied into this project; their licences are their own."""


def fetch(name: str, *, source: Path | None = None, to: Path | None = None) -> Path:
    """Gets a data set.

    Args:
        name: Of `SOURCES`.
        source: A folder, archive or file on this machine instead of the network.
        to: Where to put it; `data_folder(name)` by default.

    Raises:
        MissingContent: There is no such data set, or no such source.
        UserError: It cannot be reached, or is not what it should be.
    """
    if name not in SOURCES:
        raise MissingContent(f"there is no data set {name!r}", remedy=f"There are: {', '.join(SOURCES)}.")
    wanted, folder = SOURCES[name], to or data_folder(name)
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        if source is None:
            _unpack(_download(wanted.url), wanted.url.rpartition("/")[2], wanted, partial)
        elif source.is_dir():
            shutil.copytree(source, partial, dirs_exist_ok=True)
        elif source.is_file():
            _unpack(source.read_bytes(), source.name, wanted, partial)
        else:
            raise MissingContent(f"there is no {source}", remedy="Name a folder, an archive or a file.")
        _verify(partial, wanted)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _download(url: str) -> bytes:
    import requests

    try:
        with requests.get(url, timeout=60, stream=True) as answer:
            answer.raise_for_status()
            data = answer.raw.read(_LARGEST, decode_content=False)
    except (requests.RequestException, OSError) as error:
        raise UserError(
            f"{url} cannot be fetched: {type(error).__name__}",
            remedy="Check the network, or copy the data here and name it with --from.",
        ) from None
    return bytes(data)


def _unpack(data: bytes, name: str, wanted: Source, folder: Path) -> None:
    """Keeps what is wanted of a tar archive, uncompresses a single file, or takes it as it is."""
    if ".tar" not in name:
        plain = gzip.decompress(data) if name.endswith(".gz") else data
        (folder / name.removesuffix(".gz")).write_bytes(plain)
        return
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive:
                # Archives of a repository hold everything in one folder that is named after the commit.
                inside = PurePosixPath(*PurePosixPath(member.name).parts[1:])
                if (
                    member.isreg()
                    and any(inside.is_relative_to(kept) for kept in wanted.keep)
                    and ".." not in inside.parts
                ):
                    target = folder / inside
                    target.parent.mkdir(parents=True, exist_ok=True)
                    file = archive.extractfile(member)
                    assert file is not None
                    target.write_bytes(file.read())
    except tarfile.TarError as error:
        raise UserError(f"{name} is not a tar archive: {error}") from None


def _verify(folder: Path, wanted: Source) -> None:
    """Refuses files that are not what they should be; a copy may leave files out."""
    found = {path.name: path for path in folder.rglob("*") if path.is_file()}
    if not found:
        raise UserError("the data set is empty", remedy="Name the folder or archive that holds it.")
    for name, checksum in wanted.sha256.items():
        if name in found and hashlib.sha256(found[name].read_bytes()).hexdigest() != checksum:
            raise UserError(f"{name} is not the file that is pinned: its checksum differs")
    for name, size in wanted.bytes.items():
        if name in found and found[name].stat().st_size != size:
            raise UserError(
                f"{name} is not the file that is pinned: it has {found[name].stat().st_size} bytes, not {size}"
            )
