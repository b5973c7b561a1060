"""Archives and compressed files that somebody may have sent, bounded while they unpack.

A few megabytes can unpack to terabytes, in size or in number. So what comes out is counted while it comes out.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import BinaryIO, Protocol, cast

LARGEST = 512 * 1024 * 1024
"""Bytes that may come out."""
ENTRIES = 50_000
"""Entries that an archive may have."""
RATIO = 200
"""Bytes that may come out for each byte that went in; looked at above `FREE` bytes."""
FREE = 32 * 1024 * 1024
_AT_ONCE = 16 * 1024 * 1024
"""Bytes of one read: the headers of an archive, which are read whole, must fit."""
_PIECE = 1 << 20
_ENCRYPTED = 1
_ZIP_END, _ZIP_MAGIC = struct.Struct("<4s4H2LH"), b"PK\5\6"
_ZIP64_END, _ZIP64_MAGIC = struct.Struct("<4sQ2H2L4Q"), b"PK\6\7"
_ZIP64_LOCATOR, _IN_ZIP64 = 20, 0xFFFFFFFF
_ZIP_TAIL = _ZIP_END.size + (1 << 16) + _ZIP64_LOCATOR + _ZIP64_END.size

_OPENERS: tuple[tuple[bytes, Callable[[BinaryIO], object]], ...] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\0", lzma.LZMAFile),
)
UNPACKING_ERRORS = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    NotImplementedError,
    RecursionError,
)
"""What unpacking of a damaged archive may raise; `BadArchive` is a `ValueError`."""


class BadArchive(ValueError):
    """An archive that is not unpacked; the text says why."""


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Bounded:
    """A stream that stops where too much comes out. It seeks forwards by reading, and a byte back as `tarfile` does."""

    def __init__(self, source: _Readable, packed: int) -> None:
        self._source = source
        self._packed = packed
        self._position = 0
        self._last = self._again = b""

    def read(self, size: int = -1) -> bytes:
        if size > _AT_ONCE:
            raise BadArchive(f"one of its headers has more than {_AT_ONCE} bytes")
        if self._again:
            data, self._again = self._again, b""
        else:
            data = self._source.read(size if size >= 0 else _AT_ONCE)
            self._last = data[-1:] or self._last
        self._position += len(data)
        if self._position > LARGEST:
            raise BadArchive(f"it unpacks to more than {LARGEST} bytes")
        if self._position > max(FREE, RATIO * self._packed):
            raise BadArchive(f"it unpacks to more than {RATIO} times its size")
        return data

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        if position == self._position - 1 and self._last and not self._again:
            self._again, self._position = self._last, position
        if whence != os.SEEK_SET or position < self._position:
            raise BadArchive("its parts are not in order")
        while self._position < position:
            if not self.read(min(position - self._position, _AT_ONCE)):
                raise EOFError("it ends too early")
        return self._position

    def tell(self) -> int:
        return self._position

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


def unpacked(file: BinaryIO) -> BinaryIO:
    """What a compressed file holds, or the file itself where it is not compressed; too much of it raises.

    Raises:
        BadArchive: While it is read, when more comes out than the bounds allow.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(6)
    file.seek(0)
    source = next((opened(file) for magic, opened in _OPENERS if start.startswith(magic)), file)
    return cast("BinaryIO", _Bounded(cast("_Readable", source), size))


def entries(file: BinaryIO) -> Iterator[tuple[tarfile.TarInfo, BinaryIO | None]]:
    """Yields the entries of a tar archive, and the content of those that are files, to be read before the next.

    Raises:
        BadArchive: It has too many entries, or unpacks to more than the bounds allow.
        TarError: It is no tar archive. Damaged content raises any of `loopwright.archives.UNPACKING_ERRORS`, such as
            `EOFError`, `OSError`, `zlib.error` or `lzma.LZMAError`.
    """
    total = 0
    with tarfile.open(fileobj=unpacked(file), mode="r:") as archive:
        for number, info in enumerate(archive):
            total += info.size if info.isreg() else 0
            if number >= ENTRIES:
                raise BadArchive(f"it has more than {ENTRIES} entries")
            # Holes in a sparse file take no bytes of the archive.
            if total > LARGEST:
                raise BadArchive(f"it unpacks to more than {LARGEST} bytes")
            yield info, cast("BinaryIO", archive.extractfile(info)) if info.isreg() else None


def whole(content: BinaryIO) -> bytes:
    """All of an entry, which is read in pieces: only headers are read at once."""
    return b"".join(iter(lambda: content.read(_PIECE), b""))


def zip_entries(file: BinaryIO) -> Iterator[tuple[zipfile.ZipInfo, bytes]]:
    """Yields the entries of a zip archive that are no folders, and their content.

    Raises:
        BadArchive: It has too many entries, unpacks to more than the bounds allow, is encrypted, or is compressed by
            another method than deflate.
        BadZipFile: It is no zip archive. Damaged content raises any of `loopwright.archives.UNPACKING_ERRORS`, such as
            `EOFError`, `ValueError`, `NotImplementedError` or `zlib.error`.
    """
    if (size := _directory_size(file)) > _AT_ONCE:
        raise BadArchive(f"its list of entries has {size} bytes; at most {_AT_ONCE} are read")
    with zipfile.ZipFile(file) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        if len(infos) > ENTRIES:
            raise BadArchive(f"it has more than {ENTRIES} entries")
        packed, size = sum(info.compress_size for info in infos), sum(info.file_size for info in infos)
        if size > min(LARGEST, max(FREE, RATIO * packed)):
            raise BadArchive(f"it unpacks to more than {LARGEST} bytes, or than {RATIO} times its size")
        for info in infos:
            if info.flag_bits & _ENCRYPTED:
                raise BadArchive(f"{info.filename[:200]} is encrypted")
            # The library unpacks other methods without a bound, whatever size the archive tells.
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise BadArchive(f"{info.filename[:200]} is compressed by another method than deflate")
            with archive.open(info) as content:
                yield info, content.read(info.file_size + 1)


def _directory_size(file: BinaryIO) -> int:
    """Bytes of the list of entries, as the end of a zip archive tells; the library reads so many at once."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - _ZIP_TAIL))
    tail = file.read()
    last = tail[-_ZIP_END.size :]
    at = len(tail) - _ZIP_END.size if last.startswith(_ZIP_MAGIC) and last.endswith(b"\0\0") else tail.rfind(_ZIP_MAGIC)
    if at < 0 or at + _ZIP_END.size > len(tail):
        return 0
    sizes = [int(_ZIP_END.unpack_from(tail, at)[5])]
    if at >= _ZIP64_LOCATOR + _ZIP64_END.size and tail.startswith(_ZIP64_MAGIC, at - _ZIP64_LOCATOR):
        sizes.append(int(_ZIP64_END.unpack_from(tail, at - _ZIP64_LOCATOR - _ZIP64_END.size)[8]))
        sizes = sizes[1:] if sizes[0] == _IN_ZIP64 else sizes
    return max(sizes)


def refuse_name(name: PurePosixPath) -> None:
    """Refuses a name that no file system takes.

    Raises:
        BadArchive: A part of it is too long, or all of it is.
    """
    longest = max((len(os.fsencode(part)) for part in name.parts), default=0)
    if longest > 255 or len(os.fsencode(name)) > 4000:
        raise BadArchive(f"the name {str(name)[:60]}... is too long for a file")
