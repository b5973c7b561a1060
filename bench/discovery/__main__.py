"""`python -m bench.discovery`: the tuner on the shipped problems, beside the values that are known.

Each line is one search without a model: the strategy, seed and number of candidates are options. Every value is what
the problem's exact verifier says. The last column tells after how many candidates the search was better than
AlphaResearch.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import click
import yaml

import loopwright
from loopwright.discovery import Problem, problem_of
from loopwright.environments import find_environment
from loopwright.project import Project
from loopwright.record import RunReader
from loopwright.store import read_run
from loopwright.task import Instance

ROOT = Path(__file__).resolve().parents[2]
MINIMIZED = frozenset(
    {
        "autoconvolution-peak",
        "autocorrelation-1",
        "autocorrelation-3",
        "distance-ratio-14-3d",
        "distance-ratio-16",
        "littlewood-512",
        "minimum-overlap",
    }
)
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


def problems() -> dict[str, Problem]:
    """The shipped problems by name."""
    found = {}
    for path in sorted((ROOT / "environments/discovery").glob("*/environment.yaml")):
        name = path.parent.name
        folder = find_environment(f"discovery/{name}", Project(ROOT))
        assert folder is not None
        found[name] = problem_of(Instance(id=name, goal="", public=folder.fields))
    return found


def search(name: str, strategy: str, candidates: int, seed: int, folder: Path) -> list[float | None]:
    """The value of each candidate, in the order in which they were made."""
    direction = "minimize" if name in MINIMIZED else "maximize"
    task = {
        "version": 1,
        "name": name,
        "goal": "Search.",
        "environment": {"name": f"discovery/{name}", "timeout": 600},
        "sandbox": {"provider": "bubblewrap"},
        "agents": {"proposer": "tuner"},
        "loop": {"strategy": strategy, "max_iterations": candidates, "value": {"direction": direction}},
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(task))
    out = folder / f"{name}-{strategy}-{seed}"
    loopwright.run(path, out=out, seed=seed)
    record = read_run(out)
    (episode,) = RunReader(record.result).read(record.events)
    return [one.judged.verdict.value if one.judged else None for one in episode.iterations.values()]


@click.command()
@click.option("--problem", "names", multiple=True, help="A problem; all by default.")
@click.option("--strategy", default="discover", show_default=True)
@click.option("--candidates", type=int, default=8, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
def main(names: tuple[str, ...], strategy: str, candidates: int, seed: int) -> None:
    """Searches each problem and prints what was found."""
    known = problems()
    print(f"{strategy}, {candidates} candidates, seed {seed}", flush=True)
    print(
        f"{'problem':22} {'first':>16} {'best':>16} {'AlphaResearch':>14} {'best known':>14}  better after", flush=True
    )
    with tempfile.TemporaryDirectory() as folder:
        for name in names or tuple(known):
            values = search(name, strategy, candidates, seed, Path(folder))
            print(_line(name, known[name], values), flush=True)


def _line(name: str, problem: Problem, values: list[float | None]) -> str:
    better = min if name in MINIMIZED else max
    valid = [value for value in values if value is not None]
    published = PUBLISHED.get(name)
    after = "-"
    if published is not None:
        beaten = [
            at for at, value in enumerate(values, 1) if value is not None and better(value, published) != published
        ]
        after = f"{beaten[0]} candidates" if beaten else "never"
    first = "invalid" if values[0] is None else f"{values[0]:.12g}"
    best = f"{better(valid):.12g}" if valid else "none"
    target = better(one.value for one in problem.known)
    return f"{name:22} {first:>16} {best:>16} {published or '-':>14} {target:>14}  {after}"


if __name__ == "__main__":
    main()
