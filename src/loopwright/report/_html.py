"""The report as one HTML file that loads nothing.

Everything that models wrote is untrusted. It is in the file only as JSON in data blocks, which the page's script turns
into text nodes; names that the static part shows go through the template's escaping. The content security policy
allows the one script and the one style sheet by their hashes and nothing else.
"""

from __future__ import annotations

import itertools
import json
import re
import zlib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from loopwright.bench import outcomes_of
from loopwright.geo import GEO
from loopwright.loop import STOP_MEANINGS
from loopwright.record import EpisodeRecord, RunReader
from loopwright.report._benchmark import benchmark
from loopwright.report._budgets import budget_tables
from loopwright.report._details import Isolation, episode_details, index_entry
from loopwright.report._drift import drift_lines
from loopwright.report._maps import EPISODES, EpisodeMaps, episode_maps
from loopwright.report._pages import asset, render_page, render_part
from loopwright.report._pictures import Thumbnails
from loopwright.report._searches import EpisodeSearch, drawn_as, episode_search
from loopwright.report._steering import steering_lines
from loopwright.report._summary import Projection, RunSummary
from loopwright.runner import EpisodeResult
from loopwright.store import EpisodeFinished, Event, RunRecord, read_run
from loopwright.text import encodable

_EPISODES = ("dom", "format", "theme", "diff", "chart", "calls", "pictures", "episode", "instance", "list")
_SCRIPTS = (*_EPISODES, "steer", "listen", "live", "app")
_RUNS = ("dom", "format", "theme", "listen", "runs")
"""Scripts of the page of a run, and of the list of runs."""

# `<` and `&` cannot end a script block or begin a comment in it when escaped; U+2028 and U+2029 end a line in
# JavaScript; UTF-8 cannot hold a lone surrogate.
_UNSAFE_IN_SCRIPT = re.compile("[<>&\u2028\u2029\ud800-\udfff]")


ROOM = 64 * 1024 * 1024
"""Characters of a page that a browser still opens in some seconds."""


def render_html(folder: Path, *, room: int = ROOM) -> str:
    """Renders a run folder; the run may be live or interrupted.

    Args:
        folder: The run's.
        room: Characters of episodes; of those beyond, model calls are left out of the page.

    Raises:
        StoreError: There is no run in the folder, or its record is damaged.
    """
    record = read_run(folder)
    page = RunPage(record, room=room)
    for event in record.events:
        page.apply(event)
    return page.draw().html()


class RunPage:
    """A run as a page: takes in its events, and can be drawn at any time."""

    def __init__(self, record: RunRecord, *, room: int = ROOM) -> None:
        """Begins without an event.

        Args:
            record: The run.
            room: Characters of episodes; of those beyond, model calls are left out of the page.
        """
        self.reader = RunReader(record.result, with_calls=True)
        """Holds the episodes without a score."""
        self._record, self._room = record, room
        self._projection, self._isolation = Projection(record.manifest.id, self.reader), Isolation()
        self._thumbnails = Thumbnails(record.get)
        self._drawings = drawn_as(record.manifest.config)
        self._drawn = _Episodes()
        self._stale: set[str] = set()
        """Episodes under way of which something came since they were drawn."""

    def apply(self, event: Event) -> None:
        """Takes in the next event."""
        episode, name = self.reader.apply(event), event.episode
        if episode is None and isinstance(event.data, EpisodeFinished):
            episode = self.reader.unfinished.get(name or "")
        if episode is not None:
            self._take(episode)
            self._stale.discard(episode.id)
        elif name in self.reader.unfinished:
            self._stale.add(name)

    def refresh(self) -> None:
        """Draws the episodes under way anew."""
        for name in self._stale:
            self._take(self.reader.unfinished[name])
        self._stale.clear()

    def renew(self, ids: Container[str]) -> None:
        """Has episodes that have no score drawn anew, so that whoever follows gets them again.

        Args:
            ids: Theirs in the page.
        """
        self._stale |= {name for name in self.reader.unfinished if encodable(name) in ids}

    def draw(self) -> DrawnRun:
        """The run as it is now."""
        self.refresh()
        return DrawnRun(self._record, self._projection.summary(), self._isolation.counted(), self._drawn.copy())

    def index(self, since: int = 0) -> dict[str, Any]:
        """What the list of episodes shows, of those that changed since a version, and the version that it is now."""
        drawn = self._drawn
        return {
            "version": drawn.version,
            "variants": self._projection.variants(),
            "episodes": drawn.changed(since),
            "isolation": self._isolation.kinds,
        }

    @property
    def version(self) -> int:
        """Grows with each episode that is drawn."""
        return self._drawn.version

    def episode(self, name: str) -> str | None:
        """What the list and the view of an episode show, as JSON; None where there is no such episode.

        Args:
            name: Its id in the page.
        """
        drawn = self._drawn
        found: str | None = name
        if name not in drawn.entries and name not in self._stale:
            found = next((one for one in itertools.chain(drawn.entries, self._stale) if encodable(one) == name), None)
        if found in self._stale:
            self._take(self.reader.unfinished[found])
            self._stale.discard(found)
        if found not in drawn.entries:
            return None
        row, kinds = script_json(drawn.entries[found]), json.dumps(self._isolation.kinds)
        return f'{{"row":{row},"details":{drawn.block(found)},"isolation":{kinds}}}'

    def _take(self, episode: EpisodeRecord) -> None:
        """Draws an episode."""
        row = self._projection.add(episode)
        if row is None:
            return
        drawn, name = self._drawn, row.episode
        drawn.results[name] = EpisodeResult.of(episode)
        if (name in drawn.maps or len(drawn.maps) < EPISODES) and (
            found := episode_maps(episode, name, self._record.get)
        ):
            drawn.maps[name] = found
        draw = self._drawings.get(episode.started.task) if episode.started else None
        if (name in drawn.searches or len(drawn.searches) < EPISODES) and (
            search := episode_search(episode, name, draw, self._record.get)
        ):
            drawn.searches[name] = search
        self._isolation.forget(name)
        calls = episode.calls if self._room >= 0 else None
        details = episode_details(episode, row, self._isolation, self._thumbnails, calls)
        self._room -= drawn.put(name, script_json(details), index_entry(row, details))


@dataclass(slots=True)
class _Episodes:
    """What a page shows of episodes, by name."""

    blocks: dict[str, bytes] = field(default_factory=dict)
    """JSON, compressed: it repeats itself, and a server holds it as long as it runs."""
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    """When each was drawn, the latest last."""
    results: dict[str, EpisodeResult] = field(default_factory=dict)
    maps: dict[str, EpisodeMaps] = field(default_factory=dict)
    searches: dict[str, EpisodeSearch] = field(default_factory=dict)
    version: int = 0
    _sizes: dict[str, int] = field(default_factory=dict)

    def put(self, name: str, block: str, entry: dict[str, Any]) -> int:
        """Sets what is shown of an episode; gives the characters that it takes more than before."""
        more = len(block) - self._sizes.pop(name, 0)
        self.blocks[name], self.entries[name], self._sizes[name] = zlib.compress(block.encode(), 1), entry, len(block)
        self.version += 1
        self.versions.pop(name, None)
        self.versions[name] = self.version
        return more

    def block(self, name: str) -> str:
        """What the view of an episode shows, as JSON."""
        return zlib.decompress(self.blocks[name]).decode()

    def changed(self, since: int) -> list[dict[str, Any]]:
        """The entries of the episodes that were drawn after a version."""
        later = itertools.takewhile(lambda name: self.versions[name] > since, reversed(self.versions))
        return [self.entries[name] for name in later]

    def copy(self) -> _Episodes:
        """As it is now; later changes do not reach it."""
        return replace(
            self,
            blocks=dict(self.blocks),
            entries=dict(self.entries),
            results=dict(self.results),
            maps=dict(self.maps),
            searches=dict(self.searches),
        )


@dataclass(frozen=True, slots=True)
class DrawnRun:
    """A run as it was at one moment."""

    _record: RunRecord
    _summary: RunSummary
    _isolation: Sequence[Mapping[str, Any]]
    _drawn: _Episodes

    def html(self) -> str:
        """The page, as a file that holds its episodes."""
        rows, drawn = self._summary.episodes, self._drawn
        numbers = self._numbers()
        # The page of a server tells it beside the numbers, as it changes.
        numbers["summary"] = replace(numbers["summary"], writer=self._record.writer)
        index = {
            "variants": [variant.name for variant in self._summary.variants],
            "episodes": [drawn.entries[row.episode] for row in rows],
            "isolation": self._isolation,
        }
        return render_page(
            "report.html.jinja",
            script=_script(_SCRIPTS),
            run=self._summary.run,
            pictures=self._pictures,
            index=script_json(index),
            blocks=[drawn.block(row.episode) for row in rows],
            **numbers,
        )

    def numbers(self) -> str:
        """The parts of the page that count episodes, for the page of a server that has the rest."""
        shown = self._numbers()
        parts = ("numbers.html.jinja", "isolation.html.jinja")
        return "".join(render_part(part, pictures=self._pictures, **shown) for part in parts)

    def _numbers(self) -> dict[str, Any]:
        drawn, config = self._drawn, self._record.manifest.config
        summary = replace(self._summary, budgets=budget_tables(self._summary.episodes, config))
        results = [drawn.results[row.episode] for row in summary.episodes]
        return {
            "summary": summary,
            "bench": benchmark(outcomes_of(results, self._record.folder)),
            "meanings": {**STOP_MEANINGS, **{rule.name: rule.meaning for rule in GEO.stop_rules}},
            "drift": drift_lines(summary.drift),
            "steered": steering_lines(summary.steered),
            "isolation": self._isolation,
            "maps": list(drawn.maps.values()),
            "searches": list(drawn.searches.values()),
        }

    @property
    def _pictures(self) -> bool:
        return any(entry["pictures"] for entry in self._drawn.entries.values())


def lone_episode(record: RunRecord, name: str) -> str | None:
    """What the list and the view of an episode show, as JSON, without reading the others; None where there is none.

    Args:
        record: The run.
        name: Its id in the page.

    Raises:
        StoreError: The record is damaged.
    """
    page = RunPage(record)
    for event in record.events_of(name):
        page.apply(event)
    page.refresh()
    return page.episode(name)


def render_live(run: str, live: str) -> str:
    """Renders the page of a server for a run, which then asks for episodes and numbers.

    Args:
        run: Its id.
        live: The address below which the server has them.
    """
    empty = script_json({"variants": [], "episodes": [], "isolation": []})
    return render_page(
        "report.html.jinja", script=_script(_SCRIPTS), live=live, run=run, pictures=True, index=empty, blocks=[]
    )


def render_runs(runs: Sequence[Mapping[str, Any]]) -> str:
    """Renders a list of runs: each has `name`, `created`, `tasks`, `state`, `done`, `planned` and `shared`."""
    return render_page("runs.html.jinja", script=_script(_RUNS), live="/", index=script_json({"runs": list(runs)}))


def script_json(value: Mapping[str, Any]) -> str:
    """JSON that is safe inside a script element and in UTF-8."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _UNSAFE_IN_SCRIPT.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


@cache
def _script(names: tuple[str, ...]) -> str:
    return '(() => {\n"use strict";\n' + "\n".join(asset(f"{name}.js") for name in names) + "})();\n"
