"""Does refining pictures beat sampling? Strategies on drawn shapes, by the number of atoms and the cap on images.

The verifier in the loop is wrong at set rates, as a vision model is; the auditor measures pixels and is exact on what
the painter draws. Prompts go in rounds through all cells, and each episode is written as it ends: a run that was
stopped goes on where it was, and tables are of the rounds that are whole.

`python -m bench.images RESULTS.jsonl [--model painter/default] [--prompts 300] [--seeds 3] [--atoms 1 3 5 7]
[--noise low high] [--looks 3] [--curves FILE.png] [--tables-only]`
"""

from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path

from rich.console import Console

from bench.images.curves import save_curves
from bench.images.episodes import STRATEGIES, Cell, Ran, prompts, run
from bench.images.noise import NOISE
from bench.images.tables import aspects_table, caps_table, results_of, shared_table
from loopwright.images.looking import LOOKS

ROUND = 20
"""Prompts of each number of atoms in a round."""


def main() -> None:
    """Runs what is not there yet, and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--model", default="painter/default")
    parser.add_argument("--prompts", type=int, default=300)
    parser.add_argument("--draw", default="test", help="names the set of prompts")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--atoms", type=int, nargs="+", default=[1, 3, 5, 7])
    parser.add_argument("--noise", nargs="+", default=["low", "high"], choices=list(NOISE))
    parser.add_argument("--strategies", nargs="+", default=list(STRATEGIES), choices=STRATEGIES)
    parser.add_argument("--looks", type=int, default=LOOKS, help="at one picture, at most")
    parser.add_argument("--curves", type=Path, help="file of a picture of the curves")
    parser.add_argument("--tables-only", action="store_true", help="run nothing")
    options = parser.parse_args()
    cells = [
        Cell(model=options.model, atoms=atoms, noise=noise, strategy=strategy, looks=options.looks)
        for atoms, noise, strategy in product(options.atoms, options.noise, options.strategies)
    ]
    if not options.tables_only:
        texts = {atoms: prompts(atoms, options.prompts, options.draw) for atoms in options.atoms}
        fill(options.results, cells, texts, options.seeds)
    found = results_of(read(options.results), cells)
    console = Console(width=160)
    for result in found:
        console.print(caps_table(result))
        console.print(aspects_table(result))
        console.print(shared_table(result))
    if options.curves:
        save_curves(found, options.curves)


def fill(file: Path, cells: list[Cell], texts: dict[int, list[str]], seeds: int) -> None:
    """Runs the episodes that the file does not hold, round by round."""
    keep_whole_lines(file)
    there = {(ran.cell, ran.prompt, ran.seed) for ran in read(file)}
    longest = max(map(len, texts.values()))
    with file.open("a", encoding="utf-8") as out:
        for start, cell, seed in product(range(0, longest, ROUND), cells, range(seeds)):
            these = texts[cell.atoms][start : start + ROUND]
            if all((cell, text, seed) in there for text in these):
                continue
            for ran in run(cell, these, seed):
                if (cell, ran.prompt, seed) not in there:
                    out.write(ran.model_dump_json() + "\n")
            out.flush()


def keep_whole_lines(file: Path) -> None:
    """Takes away a last line that was cut."""
    if file.exists() and not (text := file.read_text(encoding="utf-8")).endswith("\n"):
        file.write_text(text[: text.rfind("\n") + 1], encoding="utf-8")


def read(file: Path) -> list[Ran]:
    """The episodes in a file."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [Ran.model_validate_json(line) for line in lines]


if __name__ == "__main__":
    main()
