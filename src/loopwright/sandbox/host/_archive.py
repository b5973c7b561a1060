"""A workspace's content as a tar archive: what a snapshot is made of.

The same content, modes and times give the same bytes, so that equal snapshots are stored once.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from loopwright.sandbox._guest.messages import pack, unpack

_TYPES = {"file": tarfile.REGTYPE, "folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE}


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """A file, folder or link below the workspace."""

    path: str
    type: str
    mode: int
    mtime: int
    """Nanoseconds since 1970."""
    content: bytes
    """A file's bytes or a link's target."""

    def packed(self) -> bytes:
        """As the runner takes it."""
        path = self.path.encode("utf-8", "surrogateescape")
        return pack([path, self.type.encode(), b"%d" % self.mode, b"%d" % self.mtime, self.content])

    def known(self) -> bytes:
        """As the runner compares it with what it finds later."""
        path = self.path.encode("utf-8", "surrogateescape")
        digest = hashlib.sha256(self.content).hexdigest() if self.type != "folder" else ""
        return pack([path, self.type.encode(), b"%d" % self.mode, digest.encode()])


def to_tar(data: bytes) -> bytes:
    """Makes the archive from what the runner sent."""
    fields = unpack(data)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for at in range(0, len(fields), 5):
            path, type_, mode, mtime, content = fields[at : at + 5]
            member = tarfile.TarInfo(path.decode("utf-8", "surrogateescape"))
            member.type = _TYPES[type_.decode()]
            member.mode = int(mode)
            member.mtime = int(mtime) // 10**9
            member.pax_headers = {"mtime": str(Decimal(int(mtime)).scaleb(-9))}
            if member.issym():
                member.linkname = content.decode("utf-8", "surrogateescape")
                content = b""
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return archive.getvalue()


def from_tar(archive: bytes) -> Iterator[ArchiveEntry]:
    """Reads an archive, such as `to_tar` makes.

    Raises:
        ValueError: It is none, or holds more than files, folders and links with safe relative names.
    """
    names = {kind: name for name, kind in _TYPES.items()}
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as tar:
            for member in tar:
                if member.type not in names or member.name.startswith("/") or ".." in member.name.split("/"):
                    raise ValueError(f"{member.name!r} cannot be unpacked")
                file = tar.extractfile(member) if member.isreg() else None
                content = file.read() if file else member.linkname.encode("utf-8", "surrogateescape")
                mtime = int(Decimal(member.pax_headers.get("mtime", str(member.mtime))).scaleb(9))
                yield ArchiveEntry(member.name, names[member.type], member.mode, mtime, content)
    except tarfile.TarError as error:
        raise ValueError(f"not a tar archive: {error}") from error
