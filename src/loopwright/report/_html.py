"""The report as one HTML file that loads nothing.

Everything that models wrote is untrusted. It is in the file only as JSON in data blocks, which the page's script turns
into text nodes; names that the static part shows go through the template's escaping. The content security policy
allows the one script and the one style sheet by their hashes and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from loopwright.bench import outcomes_of
from loopwright.geo import GEO
from loopwright.loop import STOP_MEANINGS
from loopwright.record import EpisodeRecord, RunReader
from loopwright.report._benchmark import Benchmark, benchmark
from loopwright.report._budgets import budget_tables
from loopwright.report._details import Isolation, episode_details, index_entry
from loopwright.report._drift import drift_lines
from loopwright.report._maps import EPISODES, EpisodeMaps, episode_maps
from loopwright.report._pages import asset, render_page
from loopwright.report._pictures import Thumbnails
from loopwright.report._searches import EpisodeSearch, drawn_as, episode_search
from loopwright.report._steering import steering_lines
from loopwright.report._summary import Projection, RunSummary
from loopwright.runner import EpisodeResult
from loopwright.store import Event, RunRecord, read_run
from loopwright.text import encodable

_SCRIPTS = (
    "dom",
    "format",
    "diff",
    "chart",
    "calls",
    "pictures",
    "episode",
    "instance",
    "list",
    "steer",
    "live",
    "app",
)

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
        self._config = record.manifest.config
        self._drawings = drawn_as(self._config)
        self._drawn = _Episodes()

    def apply(self, event: Event) -> None:
        """Takes in the next event."""
        episode = self.reader.apply(event)
        if episode is not None:
            self._room -= self._take(episode, self._drawn, self._isolation, self._room)

    def draw(self) -> DrawnRun:
        """The run as it is now."""
        drawn, isolation, room = self._drawn.copy(), deepcopy(self._isolation), self._room
        for episode in self.reader.unfinished.values():
            room -= self._take(episode, drawn, isolation, room)
        summary = self._projection.summary()
        summary = replace(summary, budgets=budget_tables(summary.episodes, self._config))
        bench = benchmark(outcomes_of([drawn.results[row.episode] for row in summary.episodes], self._record.folder))
        return DrawnRun(summary, bench, isolation.kinds, drawn)

    def _take(self, episode: EpisodeRecord, drawn: _Episodes, isolation: Isolation, room: int) -> int:
        """Draws an episode; gives the characters that it takes."""
        row = self._projection.add(episode)
        if row is None:
            return 0
        drawn.results[row.episode] = EpisodeResult.of(episode)
        if len(drawn.maps) < EPISODES and (found := episode_maps(episode, row.episode, self._record.get)):
            drawn.maps[row.episode] = found
        draw = self._drawings.get(episode.started.task) if episode.started else None
        if len(drawn.searches) < EPISODES and (search := episode_search(episode, row.episode, draw, self._record.get)):
            drawn.searches[row.episode] = search
        details = episode_details(episode, row, isolation, self._thumbnails, episode.calls if room >= 0 else None)
        drawn.blocks[row.episode] = script_json(details)
        drawn.entries[row.episode] = index_entry(row, details)
        return len(drawn.blocks[row.episode])


@dataclass(slots=True)
class _Episodes:
    """What a page shows of episodes, by name."""

    blocks: dict[str, str] = field(default_factory=dict)
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    results: dict[str, EpisodeResult] = field(default_factory=dict)
    maps: dict[str, EpisodeMaps] = field(default_factory=dict)
    searches: dict[str, EpisodeSearch] = field(default_factory=dict)

    def copy(self) -> _Episodes:
        return _Episodes(
            dict(self.blocks), dict(self.entries), dict(self.results), dict(self.maps), dict(self.searches)
        )


@dataclass(frozen=True, slots=True)
class DrawnRun:
    """A run as it was at one moment."""

    summary: RunSummary
    _bench: Benchmark
    _isolation: Sequence[Mapping[str, Any]]
    _drawn: _Episodes

    def html(self, *, live: str = "") -> str:
        """The page.

        Args:
            live: The address below which the page of a server finds the run's episodes and news; empty for a file
                that holds its episodes.
        """
        summary, drawn = self.summary, self._drawn
        index = {
            "variants": [variant.name for variant in summary.variants],
            "episodes": [drawn.entries[row.episode] for row in summary.episodes],
            "isolation": self._isolation,
        }
        return render_page(
            "report.html.jinja",
            script=_script(),
            live=live,
            summary=summary,
            bench=self._bench,
            meanings={**STOP_MEANINGS, **{rule.name: rule.meaning for rule in GEO.stop_rules}},
            drift=drift_lines(summary.drift),
            steered=steering_lines(summary.steered),
            isolation=self._isolation,
            maps=list(drawn.maps.values()),
            searches=list(drawn.searches.values()),
            pictures=any(entry["pictures"] for entry in drawn.entries.values()),
            index=script_json(index),
            blocks=[] if live else [drawn.blocks[row.episode] for row in summary.episodes],
        )

    def details(self, episode: str) -> str | None:
        """What the view of an episode shows, as JSON, by its id in the page; None where there is no such episode."""
        return next((block for name, block in self._drawn.blocks.items() if encodable(name) == episode), None)


def render_runs(runs: Sequence[object]) -> str:
    """Renders a list of runs: each has `name`, `created`, `tasks`, `state`, and `glance` or None."""
    return render_page("runs.html.jinja", runs=runs)


def script_json(value: Mapping[str, Any]) -> str:
    """JSON that is safe inside a script element and in UTF-8."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _UNSAFE_IN_SCRIPT.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


@cache
def _script() -> str:
    return '(() => {\n"use strict";\n' + "\n".join(asset(f"{name}.js") for name in _SCRIPTS) + "})();\n"
