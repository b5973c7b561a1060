"""What the peers measure a program by: executed in their process, as their examples do. Each is a line in $LOG."""

import json
import os
import runpy
import sys
import time
from pathlib import Path


def evaluate(program_path: str) -> dict[str, float]:
    """For OpenEvolve."""
    return {"combined_score": measured(program_path)}


def measured(program_path: str) -> float:
    """The number that the program returns."""
    here = Path.cwd()
    os.chdir(os.environ["SCRATCH"])
    try:
        value = float(runpy.run_path(program_path)["run"]())
    finally:
        os.chdir(here)
    with Path(os.environ["LOG"]).open("a") as file:
        file.write(f"{time.time()}\n")
    return value


def main(program_path: str, results_dir: str) -> None:
    """For ShinkaEvolve, which starts a process for each."""
    value = measured(program_path)
    Path(results_dir, "metrics.json").write_text(json.dumps({"combined_score": value, "public": {}, "private": {}}))
    Path(results_dir, "correct.json").write_text(json.dumps({"correct": True, "error": None}))


if __name__ == "__main__":
    given = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
    main(given["--program_path"], given["--results_dir"])
