"""Gets data sets from their public homes, or from a copy on this machine, and checks what came."""

from __future__ import annotations

import os
import shutil
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from loopwright.archives import LARGEST, UNPACKING_ERRORS, BadArchive, entries, refuse_name, unpacked
from loopwright.bench._sources import SOURCES, Source
from loopwright.errors import MissingContent, UserError
from loopwright.files import open_regular
from loopwright.user_folders import data_folder

_DOWNLOAD = 400 * 1024 * 1024
_COPY = "Get the data by other means, and name the folder or archive with --from."


def fetch(name: str, *, source: Path | str | None = None, to: Path | None = None) -> Path:
    """Gets a data set. What was there before stays until the new one is whole.

    Args:
        name: Of `SOURCES`.
        source: A folder, archive or file on this machine, or the URL of another home; its public one by default.
        to: Where to put it; `data_folder(name)` by default.

    Raises:
        MissingContent: There is no such data set, or no such source.
        UserError: It cannot be reached, or is not what it should be.
    """
    if name not in SOURCES:
        raise MissingContent(f"there is no data set {name!r}", remedy=f"There are: {', '.join(SOURCES)}.")
    wanted, folder = SOURCES[name], to or data_folder(name)
    # What an interrupted call left is thrown away.
    partial, archive = folder.with_name(f"{folder.name}.partial"), folder.with_name(f"{folder.name}.download")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    url = wanted.url if source is None else str(source)
    try:
        if url.startswith(("https://", "http://")):
            _download(url, archive)
            _unpack(archive, url.rpartition("/")[2], wanted, partial)
        elif (path := Path(url)).is_dir():
            _copy(path, partial)
        elif path.is_file():
            _unpack(path, path.name, wanted, partial)
        else:
            raise MissingContent(f"there is no {source}", remedy="Name a folder, an archive or a file.")
        _verify(partial, wanted)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        archive.unlink(missing_ok=True)
    return folder


def _download(url: str, to: Path) -> None:
    import requests

    try:
        # Not encoded once more on the way, so that what comes is the file as it is.
        with (
            requests.get(url, timeout=60, stream=True, headers={"Accept-Encoding": "identity"}) as answer,
            to.open("wb") as file,
        ):
            answer.raise_for_status()
            size = 0
            for part in answer.iter_content(1 << 20):
                size += len(part)
                if size > _DOWNLOAD:
                    raise UserError(f"{url} has more than {_DOWNLOAD} bytes", remedy=_COPY)
                file.write(part)
    except requests.HTTPError as error:
        raise UserError(f"{url} cannot be fetched: {error.response.status_code}", remedy=_COPY) from None
    except requests.RequestException as error:
        remedy = f"Check the network. {_COPY}"
        raise UserError(f"{url} cannot be fetched: {type(error).__name__}", remedy=remedy) from None


def _unpack(path: Path, name: str, wanted: Source, folder: Path) -> None:
    """Keeps what is wanted of a tar archive, uncompresses a single file, or takes it as it is."""
    try:
        with open_regular(path) as file:
            if ".tar" in name:
                _untar(file, wanted, folder)
            else:
                if name.endswith(".gz") and file.read(2) != b"\x1f\x8b":
                    raise EOFError("it is not compressed by gzip")
                _keep(unpacked(file), folder, PurePosixPath(name.removesuffix(".gz")))
    except BadArchive as error:
        raise UserError(f"{name} is not unpacked: {error}", remedy=_COPY) from None
    except UNPACKING_ERRORS as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UserError(f"{name} is cut or no such archive: {why}", remedy=_COPY) from None


def _untar(archive: BinaryIO, wanted: Source, folder: Path) -> None:
    for member, content in entries(archive):
        # Archives of a repository hold everything in one folder that is named after the commit.
        inside = PurePosixPath(*PurePosixPath(member.name).parts[1:])
        if not any(inside.is_relative_to(kept) for kept in wanted.keep) or ".." in inside.parts or member.isdir():
            continue
        if content is None:
            raise BadArchive(f"{member.name[:200]} is neither a file nor a folder")
        _keep(content, folder, inside)


def _copy(source: Path, folder: Path) -> None:
    """Takes over the files of a folder.

    Raises:
        UserError: It holds a link or what is no regular file, or more than archives may hold.
    """
    total = 0
    for place, _, names in os.walk(source):
        for name in names:
            path = Path(place, name)
            try:
                with open_regular(path, source) as file:
                    total += os.fstat(file.fileno()).st_size
                    if total > LARGEST:
                        raise UserError(f"{source} holds more than {LARGEST} bytes", remedy="Name a smaller folder.")
                    _keep(file, folder, PurePosixPath(path.relative_to(source)))
            except OSError as error:
                raise UserError(
                    f"{path} is not taken: {error.strerror}", remedy="Put the file itself there, or take it away."
                ) from None


def _keep(content: BinaryIO, folder: Path, name: PurePosixPath) -> None:
    refuse_name(name)
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        shutil.copyfileobj(content, file)


def _verify(folder: Path, wanted: Source) -> None:
    """Refuses files that are not what they should be; a copy may leave files out."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    if not found:
        raise UserError("the data set is empty", remedy="Name the folder or archive that holds it.")
    pinned = [
        (name, pin, path)
        for name, pin in wanted.pins.items()
        for path in found
        if f"/{path.relative_to(folder).as_posix()}".endswith(f"/{name}")
    ]
    parts = [path.relative_to(folder).as_posix() for path in found]
    if not pinned and not any(word in part for word in wanted.parts for part in parts):
        raise UserError(
            f"none of the data set's files is there: {', '.join(list(wanted.pins)[:3])}",
            remedy="Name the folder or archive that holds them, uncompressed in a folder.",
        )
    for name, pin, path in pinned:
        if problem := pin.problem(path):
            raise UserError(f"{name} is not the file that is pinned: {problem}")
