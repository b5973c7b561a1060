"""A reviewed session as one HTML file that loads nothing and runs no script."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from loopwright.drift._channels import CHANNELS, TRAITS, Channel
from loopwright.drift._session import Review
from loopwright.secrets import scrub

_STYLE = """
:root { color-scheme: light dark; --paper: light-dark(#fff, #15171a); --ink: light-dark(#1b1d20, #e4e5e7);
  --soft: light-dark(#5b6067, #9ba1a9); --rule: light-dark(#d8dbdf, #33373d); --accent: light-dark(#0a5a83, #76bfe6);
  --tint: light-dark(#e3eff6, #17303f); --alarm: light-dark(#a3341c, #f0907a); }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 Charter, "Bitstream Charter", Cambria, Georgia, serif; }
h1 { font-size: 1.85rem; margin: 1rem 0 .25rem; } h2 { font-size: 1.2rem; margin: 2.25rem 0 .5rem; }
p { max-width: 44rem; margin: .4rem 0; } .soft, figcaption { color: var(--soft); }
figcaption, table, svg text, .soft { font-family: system-ui, "Segoe UI", "Liberation Sans", sans-serif; }
figcaption, .soft { font-size: 13px; } figure { margin: 0; min-width: 0; }
svg { width: 100%; height: auto; display: block; }
svg text { font-size: 11px; fill: var(--soft); } .line { fill: none; stroke: var(--accent); stroke-width: 1.6; }
.band { fill: var(--tint); } .alarm { stroke: var(--alarm); stroke-width: 1.4; } .other { stroke-dasharray: 3 3; }
.rule { stroke: var(--rule); }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: 1.25rem; }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem 1.2rem .3rem 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
th { font-weight: 400; color: var(--soft); } .scroll { overflow-x: auto; } .absent { opacity: .55; }
"""


def render_page(found: Review, title: str) -> str:
    """Renders a review."""
    worse = len(found.worse)
    verdict = (
        f"{worse} alarm{'s' * (worse != 1)} of a change for the worse" if worse else "No change for the worse was found"
    )
    covered = found.points[-1].coverage if found.points else 0.0
    baseline = found.baseline
    parts = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{_text(title)}</title>'
        '<meta name="viewport" content="width=device-width"><meta http-equiv="Content-Security-Policy" '
        f"content=\"default-src 'none'; style-src 'unsafe-inline'\"><style>{_STYLE}</style></head><body>",
        f"<h1>{_text(title)}</h1>",
        f"<p>{verdict} in {found.counts.seen:,} interactions, against a frozen baseline of {baseline.interactions:,}. "
        f"A session of {baseline.horizon:,} interactions without drift alarms with probability {baseline.alpha:.1%}. "
        f"Data covered {covered:.0%} of the index.</p>",
        f'<p class="soft">Baseline {_text(baseline.name)}, sha256 {baseline.digest[:12]}. '
        f"{found.counts.duplicates} duplicates and {found.counts.malformed} impossible values were left out.</p>",
        *(f'<p class="soft">{_text(warning)}</p>' for warning in baseline.warnings),
        "<h2>Stability index</h2>",
        _index(found),
        "<h2>Alarms</h2>",
        _alarms(found),
        '<h2>Twelve dimensions</h2><p class="soft">Score of each window of 50, 1 for as in the baseline; shaded: where '
        "the baseline's own windows lie (mean down to 2.5 standard deviations below).</p>",
        '<div class="grid">',
        *(_small(found, channel) for channel in CHANNELS),
        "</div></body></html>\n",
    ]
    return "\n".join(parts)


def _text(value: str) -> str:
    return escape(scrub(value).encode("utf-8", "backslashreplace").decode())


def _index(found: Review) -> str:
    points = [(point.end, point.value) for point in found.points if point.value is not None]
    if not points:
        return "<p>There are fewer than 50 interactions: no window is complete.</p>"
    band = found.baseline.bands.get("index")
    drawn = _chart(found, points, band.low() if band else 0.0, [(a.at, a.worse) for a in found.alarms], 900, 220)
    return (
        f"<figure>{drawn}<figcaption>The composite hides a fall of one category; vertical lines are alarms, "
        "dashed where the change is not for the worse.</figcaption></figure>"
    )


def _small(found: Review, channel: Channel) -> str:
    points = [(point.end, point.scores[channel]) for point in found.points if channel in point.scores]
    name = f"<b>{channel}</b> {TRAITS[channel].title}"
    if not points:
        return f'<figure class="absent"><figcaption>{name}: no data</figcaption></figure>'
    band = found.baseline.bands.get(channel)
    marks = [(alarm.at, alarm.worse) for alarm in found.alarms if alarm.channel is channel]
    drawn = _chart(found, points, band.low() if band else 0.0, marks, 300, 120)
    return f"<figure>{drawn}<figcaption>{name}, now {points[-1][1]:.2f}</figcaption></figure>"


def _chart(
    found: Review,
    points: Sequence[tuple[int, float]],
    band: float,
    marks: Sequence[tuple[int, bool]],
    width: int,
    height: int,
) -> str:
    left, right, top, bottom = 34, 8, 8, 18
    least = min(0.5, *(value for _, value in points), max(band, 0.0))

    def x(at: float) -> float:
        return round(left + (width - left - right) * at / max(found.counts.seen, 1), 1)

    def y(value: float) -> float:
        return round(top + (height - top - bottom) * (1 - value) / (1 - least), 1)

    label = f"{len(points)} windows from {points[0][1]:.2f} to {points[-1][1]:.2f}, {len(marks)} alarms"
    ticks = "".join(
        f'<line class="rule" x1="{left}" x2="{width - right}" y1="{y(v)}" y2="{y(v)}"/>'
        f'<text x="{left - 5}" y="{y(v) + 4}" text-anchor="end">{v:.2f}</text>'
        for v in (1.0, (1 + least) / 2, least)
    )
    edge = y(max(band, least))
    lines = "".join(
        f'<line class="alarm{"" if worse else " other"}" x1="{x(at)}" x2="{x(at)}" y1="{top}" y2="{height - bottom}"/>'
        for at, worse in marks
    )
    path = " ".join(f"{x(at)},{y(value)}" for at, value in points)
    wide, tall = width - left - right, max(edge - y(1.0), 0)
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{label}">'
        f'<rect class="band" x="{left}" y="{y(1.0)}" width="{wide}" height="{tall:.1f}"/>'
        f'{ticks}{lines}<polyline class="line" points="{path}"/>'
        f'<text x="{left}" y="{height - 4}">0</text>'
        f'<text x="{width - right}" y="{height - 4}" text-anchor="end">{found.counts.seen:,}</text></svg>'
    )


def _alarms(found: Review) -> str:
    if not found.alarms:
        return "<p>None.</p>"
    rows = "".join(
        f"<tr><td>{alarm.at:,}</td><td><b>{alarm.channel}</b> {TRAITS[alarm.channel].title}</td>"
        f"<td>{'worse' if alarm.worse else 'other way'}</td><td>{alarm.shift:+.2f} sd</td><td>{alarm.severity}</td>"
        f"<td>{alarm.onset:,}</td><td>{_text(', '.join(alarm.before[-1:]))}</td>"
        f"<td>{_text(', '.join(alarm.after[-1:]))}</td></tr>"
        for alarm in found.alarms
    )
    heads = ("at", "dimension", "change", "shift", "severity", "since about", "before", "after")
    head = "".join(f"<th>{name}</th>" for name in heads)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
