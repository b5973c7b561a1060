"""Finds run folders by what a user types."""

from __future__ import annotations

import difflib
import json
from datetime import UTC, datetime
from pathlib import Path

from loopwright.errors import MissingContent, StoreError
from loopwright.files import read_regular, run_folders

_MANIFEST = "run.json"


def find_run(name: str | None, runs: Path) -> Path:
    """Finds a run's folder.

    Args:
        name: A path, a run's id under `runs`, the beginning of one, or None for the latest.
        runs: The folder that holds run folders.

    Raises:
        MissingContent: There is no such run, or the beginning fits several.
    """
    if name is not None and (Path(name) / _MANIFEST).is_file():
        return Path(name)
    known = run_folders(runs)
    if name is None:
        if known:
            return max(known, key=_created)
        raise MissingContent(f"there is no run in {runs}", remedy="Make one: `loopwright run TASK.yaml`.")
    fitting = [run for run in known if run.name == name] or [run for run in known if run.name.startswith(name)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = ", ".join(run.name for run in fitting)
        raise MissingContent(f"{name!r} fits {len(fitting)} runs", remedy=f"Write more of the name: {names}.")
    if Path(name).is_dir():
        raise MissingContent(
            f"{name} is not a run folder: it has no {_MANIFEST}",
            remedy="Name the folder that holds run.json and events.jsonl.",
        )
    newest = sorted(known, key=_created)[-3:]
    more = f" and {len(known) - 3} more" if len(known) > 3 else ""
    latest = f"There are: {', '.join(run.name for run in newest)}{more}." if known else f"There are none in {runs}."
    raise MissingContent(f"there is no run {name!r}", remedy=f"{latest} A path to a run folder works too.")


def find_episode(folder: Path, name: str) -> str:
    """Finds an episode of a run by its name or by the beginning of it.

    Raises:
        MissingContent: There is no such episode, or the beginning fits several.
        StoreError: The record cannot be read.
    """
    from loopwright.store import read_run

    names = list(dict.fromkeys(event.episode for event in read_run(folder).events if event.episode is not None))
    fitting = [episode for episode in names if episode.startswith(name)]
    if name in names or len(fitting) == 1:
        return name if name in names else fitting[0]
    problem = f"{name!r} fits {len(fitting)} episodes" if fitting else f"the run has no episode {name!r}"
    known = (fitting or difflib.get_close_matches(name, names, n=3, cutoff=0.3) or names)[:3]
    remedy = f"Name one of these: {', '.join(known)}. `loopwright show {folder}` lists all."
    raise MissingContent(problem, remedy=remedy if known else "No episode has started in it.")


def own_page(folder: Path, name: str) -> Path:
    """The place of a page in a run's folder. A link there is taken away: the folder may be somebody else's.

    Raises:
        StoreError: What is there is no regular file, or cannot be taken away.
    """
    page = folder / name
    try:
        if page.is_symlink():
            page.unlink()
    except OSError as error:
        raise StoreError(f"{page} is a link that cannot be removed: {error.strerror}") from None
    if page.exists() and not page.is_file():
        raise StoreError(f"{page} is no regular file", remedy="Take it away, or name another place with --out.")
    return page


def _created(run: Path) -> datetime:
    """When a run was created, by its manifest; a manifest that cannot be read is older than all others."""
    try:
        created = datetime.fromisoformat(json.loads(read_regular(run / _MANIFEST, within=run))["created"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return datetime.min.replace(tzinfo=UTC)
    return created if created.tzinfo else created.replace(tzinfo=UTC)
