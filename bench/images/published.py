"""Where the published prompts, answers and ratings lie that the benchmarks of pictures read."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

MISSING = "left out: the data are not here; name their folder with --from or LOOPWRIGHT_TEST_DATA"


def options(description: str | None, part: str) -> argparse.ArgumentParser:
    """Options with `--from`, the folder with the data of one benchmark; by default below LOOPWRIGHT_TEST_DATA."""
    parser = argparse.ArgumentParser(description=description)
    base = os.environ.get("LOOPWRIGHT_TEST_DATA")
    default = Path(base) / "images" / part if base else None
    parser.add_argument("--from", dest="source", type=Path, default=default, metavar="FOLDER")
    return parser
