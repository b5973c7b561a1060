"""Reading a run, also one that is being written or was interrupted."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from loopwright.errors import StoreError
from loopwright.files import read_regular, refuse_many_values
from loopwright.store._artifacts import Artifacts
from loopwright.store._call_events import CallFinished
from loopwright.store._codec import holds_halves, plain
from loopwright.store._config_shape import ConfigShape
from loopwright.store._events import SCHEMA_VERSION, Event, is_tried_again
from loopwright.store._migrate import migrate
from loopwright.store._order import Order
from loopwright.store._payload import LARGEST, check_numbers
from loopwright.store._scan import Line, TurningPoints, lines_of, scan, starts
from loopwright.store._texts import Texts, without_references
from loopwright.store._writer import Writer, writer_of

MANIFEST = "run.json"
EVENTS = "events.jsonl"
ARTIFACTS = "artifacts"
LOCK = "lock"


class Manifest(BaseModel):
    """What a run is, written once to `run.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    created: str
    """UTC, ISO 8601."""
    loopwright: str
    """Version that created the run."""
    config: Mapping[str, Any]
    """Everything that fixes the results: tasks, variants, repeats, seed."""
    content: Mapping[str, str] = {}
    """Name to fingerprint of what else they rest on: cards, prompts, environments, modules, version."""
    origin: str = ""
    """Seal of the user whose run it is; see `made_here`."""

    def changed(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        """Names what differs between the run's configuration and another one, such as `tasks.0.goal`."""
        return tuple(_differences(plain(self.config), plain(config), ""))


@dataclass(frozen=True, slots=True)
class Glance:
    """How far a run is."""

    planned: int
    """Episodes that were planned."""
    done: int
    """Episodes that ended, with a score or without one."""
    finished: str
    """How the run ended; empty if it is under way or was cut off."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run, to be read."""

    folder: Path
    manifest: Manifest

    @property
    def events(self) -> Iterator[Event]:
        """Its events from the first; each use starts anew. A line that is being written is left out.

        Raises:
            StoreError: A line is damaged, foreign, of a newer version, or rests on an iteration that is not there.
        """
        order, texts = Order(self.folder / EVENTS), Texts()
        for line in scan(order.file, self.manifest.id, texts):
            if isinstance(line, Line):
                event = read_event(plain(line.body) if texts.halves else line.body)
                order.check(event)
                yield event

    @property
    def writer(self) -> Writer | None:
        """Who works on the run now, on this machine or by what its shared record told last; None if nobody does."""
        return writer_of(self.folder, LOCK)

    def follow(self) -> Follower:
        """Reads the run while it goes on."""
        return Follower(self.folder / EVENTS, self.manifest.id)

    def turns(self) -> Turns:
        """Reads where the run and its episodes begin and end, while it goes on."""
        return Turns(self.folder / EVENTS, self.manifest.id)

    def glance(self) -> Glance:
        """How far the run is; it takes far less time than `events`.

        Raises:
            StoreError: The record cannot be read.
        """
        return Glances(self).look()

    def events_of(self, episode: str) -> Iterator[Event]:
        """The events of one episode, without reading those of others.

        Raises:
            StoreError: The record cannot be read, or an event does not fit the schema.
        """
        for line in lines_of(self.folder / EVENTS, self.manifest.id, episode):
            yield read_event(line.body)

    def starts(self) -> tuple[Mapping[str, int], int]:
        """Episode to the number of the event that began it for the last time, and how many events there are now.

        It takes far less time than `events`.

        Raises:
            StoreError: The record cannot be read.
        """
        found, events = starts(self.folder / EVENTS, self.manifest.id)
        # As events are read: older records hold names that UTF-8 cannot.
        return {plain(name): number for name, number in found.items()}, events

    def get(self, ref: str) -> bytes:
        """Returns the bytes of an artifact.

        Raises:
            StoreError: There is no such artifact, or it is damaged.
        """
        return Artifacts(self.folder / ARTIFACTS).get(ref)

    def path(self, ref: str) -> Path:
        """Where the bytes of an artifact are, for a reader with other programs.

        Raises:
            StoreError: It is no reference.
        """
        return Artifacts(self.folder / ARTIFACTS).path(ref)

    def result(self, call: CallFinished) -> dict[str, Any] | None:
        """Returns the result of a call, wherever it is stored; None for a failed one.

        Raises:
            StoreError: Its artifact is missing or damaged.
        """
        return None if call.failure is not None else load(call.model_dump(), Artifacts(self.folder / ARTIFACTS))


class Glances:
    """Says how far a run is, again and again while it goes on."""

    def __init__(self, record: RunRecord) -> None:
        self._path = record.folder / EVENTS
        self._points = TurningPoints(self._path, record.manifest.id)
        self._planned, self._finished, self._done = 0, "", set[str]()
        self._tried_again = set[str]()
        """Of those that are done, those that a resumed run works on again."""

    def look(self) -> Glance:
        """How far it is now.

        Raises:
            StoreError: The record cannot be read.
        """
        for line in self._points.look():
            try:
                self._take(line["data"], str(line.get("episode")))
            except (LookupError, TypeError, ValueError, AttributeError):
                # The checksum proves nothing of a line that somebody made up.
                raise StoreError(
                    f"{self._path} has a line that is not built as events are",
                    remedy="Restore the file from a backup.",
                ) from None
        return Glance(self._planned, len(self._done), self._finished)

    def _take(self, data: Mapping[str, Any], episode: str) -> None:
        self._finished = str(data.get("reason", "")) if data["type"] == "run_finished" else ""
        if data["type"] == "run_started":
            self._planned = int(data["episodes"])
        elif data["type"] == "run_resumed":
            self._done -= self._tried_again
            self._tried_again.clear()
        elif data["type"] == "episode_started" or (data["type"] == "run_steered" and data["action"] == "retry"):
            self._done.discard(episode)
        elif data["type"] == "episode_finished":
            self._done.add(episode)
            again = is_tried_again(data["status"], (data.get("failure") or {}).get("error", ""))
            (self._tried_again.add if again else self._tried_again.discard)(episode)


class Turns:
    """Says where a run and its episodes begin and end; it takes far less time than to read all of the record."""

    def __init__(self, path: Path, run: str) -> None:
        self._points = TurningPoints(path, run)

    def look(self) -> Iterator[Event]:
        """Gives those events that came since the last look; texts that are told earlier in the record are empty.

        A line that is damaged is left out: whoever reads all of them tells it.

        Raises:
            StoreError: The record cannot be read.
        """
        for body in self._points.look():
            with contextlib.suppress(StoreError, LookupError, TypeError, ValueError, AttributeError, RecursionError):
                if body["v"] <= SCHEMA_VERSION:
                    told = without_references(body) if body["v"] > 1 else body
                    yield read_event(plain(migrate(told)))


class Follower:
    """Reads a run that goes on: each look gives the events that came since the last one."""

    def __init__(self, path: Path, run: str) -> None:
        self._path, self._run = path, run
        self._texts, self._order = Texts(), Order(path)
        self._offset = self._number = 0

    @property
    def share(self) -> float:
        """How much of the record was read, in [0, 1]."""
        return min(1.0, self._offset / max(1, self.size))

    @property
    def size(self) -> int:
        """Bytes of the record now; none where it cannot be read."""
        try:
            return self._path.stat().st_size
        except OSError:
            return 0

    def look(self) -> Iterator[Event]:
        """Gives the new events. A line that is being written comes with a later look.

        Raises:
            StoreError: A line is damaged, foreign, of a newer version, or rests on an iteration that is not there.
        """
        lines = scan(self._path, self._run, self._texts, offset=self._offset, first=self._number)
        for line in lines:
            if isinstance(line, Line):
                event = read_event(plain(line.body) if self._texts.halves else line.body)
                self._order.check(event)
                self._offset, self._number = line.offset + line.length, self._number + 1
                yield event


def _differences(old: Any, new: Any, place: str) -> Iterator[str]:
    if isinstance(old, list) and isinstance(new, list):
        old, new = dict(enumerate(old)), dict(enumerate(new))
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            yield from _differences(old.get(key), new.get(key), f"{place}.{key}" if place else str(key))
    elif old != new:
        yield place


def read_run(folder: Path) -> RunRecord:
    """Opens a run for reading; it may be live or interrupted, and nothing is written.

    Raises:
        StoreError: There is no run in the folder.
    """
    return RunRecord(folder, read_manifest(folder))


def read_manifest(folder: Path) -> Manifest:
    """Reads `run.json`.

    Raises:
        StoreError: It is missing or not a manifest.
    """
    path = folder / MANIFEST
    try:
        return parse_manifest(read_regular(path, within=folder))
    except OSError as error:
        raise StoreError(
            f"{folder} is not a run folder: cannot read {path.name}: {error.strerror}",
            remedy="Name the folder of a run, the one that holds run.json and events.jsonl.",
        ) from error
    except (ValueError, RecursionError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": ("not JSON",), "msg": str(error)}
        raise StoreError(
            f"{path} is not the manifest of a run: {'.'.join(map(str, first['loc']))}: {first['msg']}",
            remedy="Restore the file from a backup, or use the loopwright that wrote it.",
        ) from error


def parse_manifest(data: bytes) -> Manifest:
    """The manifest in the bytes of a `run.json`.

    Raises:
        ValueError: They hold none.
        RecursionError: They hold none, very deeply.
    """
    # Not by pydantic's own reader, which refuses text that UTF-8 cannot hold: older versions wrote such.
    refuse_many_values(data)
    manifest = Manifest.model_validate(plain(json.loads(data)))
    ConfigShape.model_validate(manifest.config)
    return manifest


def to_event(body: Mapping[str, Any]) -> Event:
    """Returns the event of a line's body.

    Raises:
        StoreError: It does not fit the schema.
    """
    try:
        return Event.model_validate(body)
    except ValidationError as error:
        if _without_unknown(body, error):
            return to_event(body)
        first = error.errors()[0]
        raise _unfit(body, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def read_event(body: Mapping[str, Any]) -> Event:
    """Returns the event of a line that somebody may have made up: also its numbers are looked at.

    Raises:
        StoreError: It does not fit the schema, or holds a number beyond what happens.
    """
    event = to_event(body)
    try:
        check_numbers(event.data)
    except ValueError as error:
        raise _unfit(body, f"data.{event.data.type}: {error}") from error
    return event


def _unfit(body: Mapping[str, Any], why: str) -> StoreError:
    return StoreError(
        f"event {body['seq']} does not fit the schema: {why}",
        remedy="Use the loopwright that wrote the run, or a newer one.",
    )


def _without_unknown(body: Mapping[str, Any], error: ValidationError) -> bool:
    """Takes off the keys inside a payload's values that their types do not have; whether there were any.

    Other versions of a candidate or verdict may hold more; a payload itself has the fields of its schema version.
    """
    places = [mistake["loc"][2:] for mistake in error.errors() if mistake["type"] == "extra_forbidden"]
    inside = [place for place in places if len(place) > 1]
    for *way, key in inside:
        holder = body["data"]
        for step in way:
            holder = holder[step]
        del holder[key]
    return bool(inside)


def load(finished: Mapping[str, Any], artifacts: Artifacts) -> dict[str, Any]:
    """Returns the result in the payload of a `call_finished` line."""
    ref = finished.get("artifact")
    try:
        if not ref:
            return _possible(dict(finished["result"]))
        data = artifacts.get(ref)
        refuse_many_values(data)
        result = json.loads(data)
        return _possible(dict(plain(result) if holds_halves(data) else result))
    except (LookupError, TypeError, ValueError, RecursionError):
        what = f"artifact {ref}" if ref else f"the call {finished.get('key')}"
        raise StoreError(f"{what} holds no result", remedy="Restore the run folder from a backup.") from None


def _possible(result: dict[str, Any]) -> dict[str, Any]:
    """Refuses a result that took a time which nobody can have measured: sums of times go into later events."""
    seconds = result.get("seconds")
    if isinstance(seconds, int | float) and not 0 <= seconds <= LARGEST:
        raise ValueError
    return result
