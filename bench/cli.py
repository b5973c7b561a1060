"""How long each verb takes in a new project, beside an import of LangGraph's graph in the same run.

Whole processes are timed, in turns. `python -m bench.cli [--rounds N] [--output FILE]`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

PEER = "import langgraph.graph"
RUN = "runs/measured"
VERBS = (
    ("--help",),
    ("run", "--help"),
    ("init",),
    ("validate", "tasks"),
    ("explain", "tasks/invitation.yaml"),
    ("schema",),
    ("run", "tasks", "--dry-run"),
    ("run", "tasks", "--out", RUN),
    ("resume", RUN),
    ("fork", RUN, "--at", "invitation:refine:0:0", "--out", "runs/forked"),
    ("show", RUN),
    ("show", RUN, "invitation:refine:0"),
    ("report", RUN),
    ("compare", RUN, "runs/forked"),
    ("env", "list"),
    ("models", "list"),
    ("doctor",),
    ("gc",),
)
"""In the order in which each finds what it needs: a round goes through a new project."""


def seconds(command: Sequence[str], folder: Path) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    took = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return took


def round_of_verbs(taken: dict[str, list[float]]) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        for words in VERBS:
            taken.setdefault(" ".join(words), []).append(
                seconds([sys.executable, "-m", "loopwright.cli", *words], folder)
            )
            taken.setdefault(PEER, []).append(seconds([sys.executable, "-c", PEER], folder))
    finally:
        shutil.rmtree(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="new projects to go through")
    parser.add_argument("--output", type=Path, help="where the figures go as JSON")
    arguments = parser.parse_args()
    taken: dict[str, list[float]] = {}
    for _ in range(arguments.rounds):
        round_of_verbs(taken)
    peer = statistics.median(taken[PEER])
    shown = Table("command", "p50, s", "of the import", title=f"verbs, {arguments.rounds} rounds", title_justify="left")
    for name, times in taken.items():
        p50 = statistics.median(times)
        shown.add_row(name if name == PEER else f"loopwright {name}", f"{p50:.3f}", f"{p50 / peer:.2f}")
    Console(width=100).print(shown)
    if arguments.output:
        arguments.output.write_text(json.dumps(taken, indent=2) + "\n")


if __name__ == "__main__":
    main()
