"""Pictures of a run as files that other programs open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from loopwright.cli._output import write, write_file, write_json
from loopwright.cli._runs import find_episode
from loopwright.errors import MissingContent
from loopwright.models import picture_type
from loopwright.record import EpisodeRecord, RunReader
from loopwright.store import read_run

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST = 120
"""Characters of a name in a file's name."""


def save_pictures(folder: Path, episode: str | None, target: Path, *, as_json: bool) -> None:
    """Writes the pictures of candidates, named by episode and iteration.

    Args:
        folder: The run's.
        episode: The one whose pictures are wanted; None for all.
        target: The folder to write to.
        as_json: Whether the paths are told as JSON.

    Raises:
        MissingContent: There is no such episode, or no picture.
        StoreError: A picture is missing or damaged.
        UserError: A file cannot be written.
    """
    wanted = None if episode is None else find_episode(folder, episode)
    record = read_run(folder)
    written: dict[Path, None] = {}
    for one in RunReader(record.result).read(record.events):
        for name, ref in _artifacts(one) if wanted in (None, one.id) else ():
            data = record.get(ref)
            try:
                kind = picture_type(data)
            except ValueError:
                continue
            path = target / f"{name}.{kind.removeprefix('image/')}"
            write_file(path, data)
            written[path] = None
    if not written:
        raise MissingContent(f"there is no picture in {wanted or folder}")
    if as_json:
        write_json([str(path) for path in written])
    else:
        write("\n".join(f"wrote {path}" for path in written))


def _artifacts(episode: EpisodeRecord) -> Iterator[tuple[str, str]]:
    """Each artifact of the candidates as the name of a file without its ending, and its reference."""
    for attempt in episode:
        for name, ref in attempt.candidate.artifacts.items() if attempt.candidate else ():
            more = "" if name == "picture" else f"-{_safe(name)}"
            yield f"{_safe(episode.id)}-{attempt.iteration}{more}", ref


def _safe(name: str) -> str:
    return _UNSAFE.sub("-", name)[:_LONGEST].lstrip(".-") or "unnamed"
