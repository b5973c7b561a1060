"""The benchmark page: plots of a run as one HTML file that loads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from loopwright.bench._outcomes import Rate, VariantOutcome, outcomes
from loopwright.store import read_run

_WIDTH, _HEIGHT, _MARGIN = 560, 260, 46
_COLOURS = ("#2b6cb0", "#c05621", "#2f855a", "#6b46c1", "#b83280", "#4a5568")
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1a202c }
table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .25rem .7rem; text-align: right }
th { border-bottom: 2px solid #cbd5e0 } td:first-child, th:first-child { text-align: left }
svg { max-width: 100%; height: auto } text { font: 12px system-ui, sans-serif; fill: #4a5568 }
@media (prefers-color-scheme: dark) { body { background: #1a202c; color: #e2e8f0 } text { fill: #a0aec0 } }
"""


def render_bench_html(folder: Path) -> str:
    """Renders a benchmark run: rates, success by turn, success by group, cost against success.

    Raises:
        StoreError: There is no run in the folder, or its record is damaged.
    """
    found = outcomes(folder)
    name = escape(read_run(folder).manifest.id)
    parts = [
        f"<h1>Benchmark run {name}</h1>",
        _rates(found),
        "<h2>Success by turn</h2><p>Share of scored episodes that were solved after at most that many turns.</p>",
        _by_turn(found),
        *(("<h2>Success by group</h2>", _by_group(found)) if any(v.by_group() for v in found) else ()),
    ]
    if any(variant.cost_usd for variant in found):
        parts += ["<h2>Cost against success</h2>", _by_cost(found)]
    csp = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Benchmark run {name}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{csp}"><style>{_STYLE}</style></head>'
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _rates(found: Sequence[VariantOutcome]) -> str:
    heads = ("variant", "oracle", "tasks", "episodes", "passed", "intercode", "exact", "failed")
    rows = [
        (
            variant.name,
            "yes" if variant.oracle else "",
            str(variant.passed.tasks if variant.passed else 0),
            str(len(variant.scored)),
            *(_told(rate) for rate in (variant.passed, variant.by_rule("intercode"), variant.by_rule("exact"))),
            ", ".join(f"{cause} {count}" for cause, count in variant.failures.items()),
        )
        for variant in found
    ]
    note = (
        "<p>Intervals are 95 %; repeats of a task count as alike. With an oracle the strategy acts on the hidden "
        "verdict of every turn, so that its rate is an upper bound.</p>"
    )
    return _table(heads, rows) + note


def _by_group(found: Sequence[VariantOutcome]) -> str:
    groups = list(dict.fromkeys(group for variant in found for group in variant.by_group()))
    rows = [(variant.name, *(_told(variant.by_group().get(group)) for group in groups)) for variant in found]
    return _table(("variant", *groups), rows)


def _by_turn(found: Sequence[VariantOutcome]) -> str:
    turns = max((len(variant.by_turn()) for variant in found), default=0)
    if not turns:
        return "<p>No episode is scored.</p>"
    lines = []
    for number, variant in enumerate(found):
        shares = list(variant.by_turn())
        # An episode that ended stays what it was.
        shares += shares[-1:] * (turns - len(shares))
        points = [(index / max(1, turns - 1), share) for index, share in enumerate(shares)]
        lines.append(_line(points, number) + _legend(variant.name, number))
    return _axes("".join(lines), [str(turn) for turn in range(1, turns + 1)], "turn")


def _by_cost(found: Sequence[VariantOutcome]) -> str:
    costs = [float(variant.cost_usd or 0) / max(1, len(variant.scored)) for variant in found]
    top = max(costs) or 1.0
    dots = []
    for number, (variant, cost) in enumerate(zip(found, costs, strict=True)):
        rate = variant.passed
        if rate is None:
            continue
        x, y, colour = _x(cost / top), _y(rate.value), _COLOURS[number % len(_COLOURS)]
        low, high = _y(rate.interval.low), _y(rate.interval.high)
        dots.append(
            f'<line x1="{x:.1f}" y1="{low:.1f}" x2="{x:.1f}" y2="{high:.1f}" stroke="{colour}"/>'
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>' + _legend(variant.name, number)
        )
    return _axes("".join(dots), ["$0", f"${top:.4f}"], "cost of an episode")


def _line(points: Sequence[tuple[float, float]], number: int) -> str:
    path = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
    colour = _COLOURS[number % len(_COLOURS)]
    dots = "".join(f'<circle cx="{_x(x):.1f}" cy="{_y(y):.1f}" r="3" fill="{colour}"/>' for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}'


def _legend(name: str, number: int) -> str:
    y = _MARGIN - 28 + 15 * number
    colour = _COLOURS[number % len(_COLOURS)]
    mark = f'<rect x="{_WIDTH + 12}" y="{y - 9}" width="10" height="10" fill="{colour}"/>'
    return f'{mark}<text x="{_WIDTH + 28}" y="{y}">{escape(name)}</text>'


def _axes(inside: str, labels: Sequence[str], title: str) -> str:
    levels = "".join(
        f'<text x="4" y="{_y(share) + 4:.1f}">{share:.0%}</text>'
        f'<line x1="{_MARGIN}" x2="{_WIDTH}" y1="{_y(share):.1f}" y2="{_y(share):.1f}" stroke="#cbd5e0"/>'
        for share in (0, 0.25, 0.5, 0.75, 1)
    )
    marks = "".join(
        f'<text x="{_x(i / max(1, len(labels) - 1)):.1f}" y="{_HEIGHT - 22}" text-anchor="middle">{label}</text>'
        for i, label in enumerate(labels)
    )
    name = f'<text x="{(_WIDTH + _MARGIN) / 2}" y="{_HEIGHT - 4}" text-anchor="middle">{escape(title)}</text>'
    box = f'viewBox="0 0 {_WIDTH + 200} {_HEIGHT}" role="img" aria-label="{escape(title)}"'
    return f"<svg {box}>{levels}{marks}{name}{inside}</svg>"


def _x(share: float) -> float:
    return _MARGIN + 12 + share * (_WIDTH - _MARGIN - 24)


def _y(share: float) -> float:
    return _HEIGHT - _MARGIN - share * (_HEIGHT - _MARGIN - 20)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _told(rate: Rate | None) -> str:
    return f"{rate.value:.3f} [{rate.interval.low:.3f}, {rate.interval.high:.3f}]" if rate else ""
