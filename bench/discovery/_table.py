"""`python -m bench.discovery table`: the tuner on the shipped problems, beside the values that are known.

Each line is one search without a model: the strategy, seed and number of candidates are options. Every value is what
the problem's exact verifier says. The last columns tell after how many candidates and seconds the search was better
than AlphaResearch.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click
import yaml

import loopwright
from loopwright.environments import EnvironmentFolder, find_environment
from loopwright.project import Project
from loopwright.store import Event, Judged
from loopwright.types import ValueOptions

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED = {
    "circles-26": 2.6359829561,
    "circles-32": 2.9395203049,
    "distance-ratio-16": 12.92,
    "autocorrelation-3": 1.546,
    "spherical-code-30": 0.6735,
    "autoconvolution-peak": 0.756,
    "littlewood-512": 32.0,
    "sum-dominant-30": 1.04,
}
"""AlphaResearch's own value of its eight problems (arXiv 2511.08522)."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A candidate that was measured."""

    number: int
    seconds: float
    """Since the search began."""
    value: float | None


def problems() -> dict[str, EnvironmentFolder]:
    """The shipped problems by name."""
    found = {}
    for path in sorted((ROOT / "environments/discovery").glob("*/environment.yaml")):
        folder = find_environment(f"discovery/{path.parent.name}", Project(ROOT))
        assert folder is not None
        found[path.parent.name] = folder
    return found


def search(name: str, strategy: str, candidates: int, seed: int, width: int, seconds: float) -> list[Measured]:
    """What a search measured, in the order in which it was measured."""
    task = {
        "version": 1,
        "name": name,
        "goal": "Search.",
        "environment": {"name": f"discovery/{name}", "timeout": 600},
        "sandbox": {"provider": "bubblewrap"},
        "agents": {"proposer": "tuner"},
        "loop": {"strategy": strategy, "max_iterations": candidates, "width": width},
        "budget": {"seconds": seconds},
    }
    found: list[Measured] = []
    started = time.monotonic()

    def note(event: Event) -> None:
        if isinstance(event.data, Judged) and event.iteration is not None:
            value = event.data.verdict.value
            found.append(Measured(event.iteration + 1, time.monotonic() - started, value))

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.yaml"
        path.write_text(yaml.safe_dump(task))
        loopwright.run(path, out=Path(folder) / "run", seed=seed, on_event=note)
    return found


@click.command()
@click.option("--problem", "names", multiple=True, help="A problem; all by default.")
@click.option("--strategy", default="discover", show_default=True)
@click.option("--candidates", type=int, default=8, show_default=True)
@click.option("--seconds", type=float, default=600, show_default=True, help="For each problem, at most.")
@click.option("--width", type=int, default=2, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
def table(names: tuple[str, ...], strategy: str, candidates: int, seconds: float, width: int, seed: int) -> None:
    """Searches each problem and prints what was found."""
    known = problems()
    print(f"{strategy}, at most {candidates} candidates and {seconds:g} s, {width} in flight, seed {seed}", flush=True)
    head = f"{'problem':22} {'first':>16} {'best':>16} {'AlphaResearch':>14} {'best known':>14}  better after"
    print(head, flush=True)
    for name in names or tuple(known):
        print(_line(name, known[name], search(name, strategy, candidates, seed, width, seconds)), flush=True)


def _line(name: str, folder: EnvironmentFolder, found: list[Measured]) -> str:
    options = folder.value or ValueOptions(direction="maximize")
    valid = [one for one in found if one.value is not None]
    best = max(valid, key=lambda one: options.rank(one.value), default=None)
    target = max((one["value"] for one in folder.fields["known"]), key=options.rank)
    published = PUBLISHED.get(name)
    after = "-"
    if published is not None:
        beaten = [one for one in valid if options.rank(one.value) > options.rank(published)]
        after = f"{beaten[0].number} of {len(found)} candidates, {beaten[0].seconds:.0f} s" if beaten else "never"
    first = f"{valid[0].value:.12g}" if valid else "invalid"
    shown = f"{best.value:.12g}" if best else "none"
    return f"{name:22} {first:>16} {shown:>16} {published or '-':>14} {target:>14}  {after}"
