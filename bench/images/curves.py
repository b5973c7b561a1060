"""Draws all-correct rates over the cap on images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.images.episodes import CAPS
from bench.images.tables import Result

COLOURS = ("#888888", "#d1495b", "#2e6f9e", "#7a9e2e")


def save_curves(results: Sequence[Result], file: Path) -> None:
    """Writes one panel for each number of atoms and each noise."""
    from matplotlib.figure import Figure

    atoms = list(dict.fromkeys(result.atoms for result in results))
    noises = list(dict.fromkeys(result.noise for result in results))
    figure = Figure(figsize=(3.2 * len(atoms), 2.8 * len(noises)), facecolor="white", layout="constrained")
    panels = figure.subplots(len(noises), len(atoms), sharex=True, sharey=True, squeeze=False)
    for result in results:
        panel = panels[noises.index(result.noise)][atoms.index(result.atoms)]
        for strategy, colour in zip(result.episodes, COLOURS, strict=False):
            rates = [100 * result.mean(strategy, cap, lambda one: one.audited) for cap in CAPS]
            width = 2.2 if strategy == "streams" else 1.3
            panel.plot(range(len(CAPS)), rates, marker="o", markersize=3, color=colour, linewidth=width, label=strategy)
        panel.set_title(f"{result.atoms} atoms, {result.noise} noise", fontsize=9)
        panel.set_xticks(range(len(CAPS)), [str(cap) for cap in CAPS])
        panel.set_ylim(0, 100)
        panel.grid(alpha=0.3)
    for row in panels:
        row[0].set_ylabel("all correct by the auditor, %", fontsize=8)
    for panel in panels[-1]:
        panel.set_xlabel("cap on images", fontsize=8)
    panels[0][0].legend(fontsize=7, loc="lower right")
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=120)
