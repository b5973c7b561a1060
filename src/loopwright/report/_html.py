"""The report as one HTML file that loads nothing.

Everything that models wrote is untrusted. It is in the file only as JSON in data blocks, which the page's script turns
into text nodes; names that the static part shows go through the template's escaping. The content security policy
allows the one script and the one style sheet by their hashes and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from loopwright.bench import outcomes_of
from loopwright.geo import GEO
from loopwright.loop import STOP_MEANINGS
from loopwright.record import RunReader
from loopwright.report._benchmark import benchmark
from loopwright.report._details import Isolation, episode_details, index_entry
from loopwright.report._drift import drift_lines
from loopwright.report._maps import EPISODES, EpisodeMaps, episode_maps
from loopwright.report._pages import asset, render_page
from loopwright.report._pictures import Thumbnails
from loopwright.report._searches import EpisodeSearch, drawn_as, episode_search
from loopwright.report._summary import Projection
from loopwright.runner import EpisodeResult
from loopwright.store import read_run

_SCRIPTS = ("dom", "format", "diff", "chart", "calls", "pictures", "episode", "instance", "list", "app")

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
    projection, isolation = Projection(record.manifest.id, RunReader(record.result, with_calls=True)), Isolation()
    blocks: dict[str, str] = {}
    entries: dict[str, dict[str, Any]] = {}
    thumbnails = Thumbnails(record.get)
    results: dict[str, EpisodeResult] = {}
    maps: list[EpisodeMaps] = []
    searches: list[EpisodeSearch] = []
    drawings = drawn_as(record.manifest.config)
    for episode in projection.reader.read(record.events):
        row = projection.add(episode)
        if row is not None:
            results[row.episode] = EpisodeResult.of(episode)
            if len(maps) < EPISODES and (drawn := episode_maps(episode, row.episode, record.get)):
                maps.append(drawn)
            draw = drawings.get(episode.started.task) if episode.started else None
            if len(searches) < EPISODES and (search := episode_search(episode, row.episode, draw, record.get)):
                searches.append(search)
            if room < 0:
                episode.calls = None
            details = episode_details(episode, row, isolation, thumbnails)
            blocks[row.episode] = script_json(details)
            entries[row.episode] = index_entry(row, details)
            room -= len(blocks[row.episode])
    summary = projection.summary()
    index = {
        "variants": [variant.name for variant in summary.variants],
        "episodes": [entries[row.episode] for row in summary.episodes],
        "isolation": isolation.kinds,
    }
    return render_page(
        "report.html.jinja",
        script=_script(),
        summary=summary,
        bench=benchmark(outcomes_of([results[row.episode] for row in summary.episodes], folder)),
        meanings={**STOP_MEANINGS, **{rule.name: rule.meaning for rule in GEO.stop_rules}},
        drift=drift_lines(summary.drift),
        isolation=isolation.kinds,
        maps=maps,
        searches=searches,
        pictures=any(entry["pictures"] for entry in entries.values()),
        index=script_json(index),
        blocks=[blocks[row.episode] for row in summary.episodes],
    )


def script_json(value: Mapping[str, Any]) -> str:
    """JSON that is safe inside a script element and in UTF-8."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _UNSAFE_IN_SCRIPT.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


@cache
def _script() -> str:
    return '(() => {\n"use strict";\n' + "\n".join(asset(f"{name}.js") for name in _SCRIPTS) + "})();\n"
