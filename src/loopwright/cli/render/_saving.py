"""What candidates are made of, as files that other programs open."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from loopwright.cli._output import write, write_json
from loopwright.cli._runs import find_episode
from loopwright.errors import MissingContent, UserError
from loopwright.files import write_whole
from loopwright.models import picture_type
from loopwright.record import EpisodeRecord, RunReader
from loopwright.repo import PATCH, patch_reference
from loopwright.store import RunRecord, read_run

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST = 120
"""Characters of a name in a file's name."""
_NPY = b"\x93NUMPY"


def save_pictures(folder: Path, episode: str | None, target: Path, *, as_json: bool) -> None:
    """Writes the pictures of all candidates, named by episode and iteration.

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
    record, episodes = _read(folder, episode)
    parts = (part for one in episodes for part in _pictures(one, record))
    _save(parts, target, f"there is no picture in {episode or folder}", as_json=as_json)


def save_answers(folder: Path, episode: str | None, target: Path, *, as_json: bool) -> None:
    """Writes the answer of each episode to a folder of the episode's name: its text, its files and its artifacts.

    Args:
        folder: The run's.
        episode: The one whose answer is wanted; None for all.
        target: The folder to write to.
        as_json: Whether the paths are told as JSON.

    Raises:
        MissingContent: There is no such episode, or no answer.
        StoreError: An artifact is missing or damaged.
        UserError: A file cannot be written.
    """
    record, episodes = _read(folder, episode)
    parts = ((Path(_safe(one.id)) / name, data) for one in episodes for name, data in _answer(one, record))
    _save(parts, target, f"there is no answer in {episode or folder}", as_json=as_json)


def _read(folder: Path, episode: str | None) -> tuple[RunRecord, Iterator[EpisodeRecord]]:
    wanted = None if episode is None else find_episode(folder, episode)
    record = read_run(folder)
    episodes = RunReader(record.result).read(record.events)
    return record, (one for one in episodes if wanted in (None, one.id))


def _save(parts: Iterable[tuple[Path, bytes]], target: Path, nothing: str, *, as_json: bool) -> None:
    written: dict[Path, None] = {}
    for name, data in parts:
        path = target / name
        try:
            # The folder may lie in a run that somebody sent, whose links lead anywhere.
            write_whole(path, data, within=target)
        except OSError as error:
            raise UserError(f"{path} cannot be written: {error.strerror}", remedy="Name another folder.") from None
        written[path] = None
    if not written:
        raise MissingContent(nothing)
    if as_json:
        write_json([str(path) for path in written])
    else:
        write("\n".join(f"wrote {path}" for path in written))


def _pictures(episode: EpisodeRecord, record: RunRecord) -> Iterator[tuple[Path, bytes]]:
    """Each picture of the candidates as a relative path and its content."""
    for attempt in episode:
        for name, ref in attempt.candidate.artifacts.items() if attempt.candidate else ():
            more = "" if name == "picture" else f"-{_safe(name)}"
            data = record.get(ref)
            if ending := _picture_ending(data):
                yield Path(f"{_safe(episode.id)}-{attempt.iteration}{more}{ending}"), data


def _answer(episode: EpisodeRecord, record: RunRecord) -> Iterator[tuple[Path, bytes]]:
    """Each part of an episode's answer as a relative path and its content; nothing where there is no answer."""
    ended = episode.finished
    if ended is None or ended.answer_iteration is None:
        return
    one = episode.iterations[ended.answer_iteration]
    answer = one.attempt.candidate
    if answer is None:
        return
    verdict = one.graded.verdict if one.graded else one.attempt.verdict
    if PATCH not in answer.files and (reference := patch_reference(verdict)) is not None:
        yield Path(PATCH), record.get(reference)  # what actions made of a repository
    if answer.text:
        yield Path("answer.txt"), answer.text.encode("utf-8", "surrogatepass")
    for name, content in answer.files.items():
        # A model chose the path: no part of it leads out of the folder.
        parts = [_safe(part) for part in PurePosixPath(name).parts]
        yield Path(*parts), content.encode("utf-8", "surrogatepass")
    for name, ref in answer.artifacts.items():
        data = record.get(ref)
        yield Path(f"{_safe(name)}{_ending(data)}"), data


def _picture_ending(data: bytes) -> str:
    try:
        return f".{picture_type(data).removeprefix('image/')}"
    except ValueError:
        return ""


def _ending(data: bytes) -> str:
    """The ending by which other programs know such content."""
    if ending := _picture_ending(data):
        return ending
    if data.startswith(_NPY):
        return ".npy"
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return ".bin"
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return ".csv" if _is_table(text) else ".txt"
    return ".json"


def _is_table(text: str) -> bool:
    try:
        widths = {len(row) for row in csv.reader(text.splitlines(), strict=True)}
    except csv.Error:
        return False
    return len(widths) == 1 and widths != {1}


def _safe(name: str) -> str:
    return _UNSAFE.sub("-", name)[:_LONGEST].lstrip(".-") or "unnamed"
