"""Finds run folders by what a user types."""

from __future__ import annotations

import difflib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from loopwright.cli._options import shared_store
from loopwright.errors import MissingContent, StoreError, StoreUnavailable
from loopwright.files import read_regular, refuse_many_values, run_folders

if TYPE_CHECKING:
    from loopwright.store.shared import SharedStore

_MANIFEST = "run.json"


def find_run(name: str | None, runs: Path) -> Path:
    """Finds a run's folder.

    Args:
        name: A path, a run's id under `runs`, the beginning of one, or None for the latest.
        runs: The folder that holds run folders.

    With `--store` the runs of the database are found too: the folder is a working copy, which is brought up to date,
    unless the database or the place for artifacts is away.

    Raises:
        MissingContent: There is no such run, or the beginning fits several.
        StoreError: The database or the place for artifacts cannot be read, and there is no copy here.
    """
    if (store := shared_store()) is not None:
        return _find_shared(store, name, runs)
    return find_folder(name, runs)


def _find_shared(store: SharedStore, name: str | None, runs: Path) -> Path:
    """A run as the database has it; if that or the place for artifacts is away, the copy that is here."""
    from loopwright.cli._output import tell

    try:
        return _refreshed(store, name, runs)
    except StoreUnavailable as error:
        try:
            folder = find_folder(name, runs)
        except MissingContent:
            raise error from None
        tell(f"warning: {error.args[0]}; {folder} is read as it is on this machine")
        return folder


def _refreshed(store: SharedStore, name: str | None, runs: Path) -> Path:
    """A run of the database, or one of a folder that is not shared."""
    from loopwright.store import is_working_copy, read_run

    if name is not None and (Path(name) / _MANIFEST).is_file():
        if is_working_copy(Path(name)):
            store.pull(read_run(Path(name)).manifest.id, Path(name))
        return Path(name)
    shared = store.ids()
    here = {run.name: _created(run) for run in run_folders(runs)}
    known = {**here, **{run: _time(created) for run, created in shared.items()}}
    if name is None and known:
        fitting = [max(known, key=lambda run: known[run])]
    else:
        fitting = [run for run in known if run == name] or [run for run in known if name and run.startswith(name)]
    if len(fitting) > 1:
        raise _ambiguous(str(name), fitting)
    if fitting and fitting[0] in shared:
        store.pull(fitting[0], runs / fitting[0])
        return runs / fitting[0]
    try:
        return find_folder(fitting[0] if fitting else name, runs)
    except MissingContent as error:
        latest = ", ".join(sorted(shared, key=lambda run: known[run])[-3:]) or "none"
        raise MissingContent(
            f"{error.args[0]}, and none in the database", remedy=f"Of the database: {latest}. {error.remedy}"
        ) from None


def find_folder(name: str | None, runs: Path) -> Path:
    """Finds a run's folder on this machine alone; see `find_run`."""
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
        raise _ambiguous(name, [run.name for run in fitting])
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
        data = read_regular(run / _MANIFEST, within=run)
        refuse_many_values(data)
        return _time(json.loads(data)["created"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return datetime.min.replace(tzinfo=UTC)


def _time(created: str) -> datetime:
    try:
        found = datetime.fromisoformat(created)
    except (TypeError, ValueError):
        return datetime.min.replace(tzinfo=UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _ambiguous(name: str, fitting: list[str]) -> MissingContent:
    return MissingContent(f"{name!r} fits {len(fitting)} runs", remedy=f"Write more of the name: {', '.join(fitting)}.")
