"""The bench's figures by the whole loop: the painter draws pixels, and runs are recorded.

`python -m bench.images` leaves that out, as it decides nothing. This program says for a few prompts whether that is so.

`python -m bench.images.loop [--model painter/default] [--atoms 7] [--prompts 60] [--noise low] [--cap 8]`
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

import loopwright
from bench.images.episodes import STRATEGIES, prompts
from bench.images.noise import NOISE, NoisyVerifier
from loopwright.images import ImageRefiner, PixelVerifier
from loopwright.runner import EpisodeResult
from loopwright.task import Task


def run(strategy: str, texts: list[str], noise: str, model: str, cap: int) -> list[EpisodeResult]:
    """Runs one episode for each prompt."""
    task = Task.model_validate(
        {
            "name": "shapes",
            "goal": "shapes",
            "environment": {"name": "images", "staged": strategy == "staged"},
            "data": [{"id": f"p{number}", "goal": text} for number, text in enumerate(texts)],
            "loop": {
                "strategy": "streams" if strategy == "staged" else strategy,
                "max_iterations": cap,
                "confirm": False,
            },
            "budget": {"images": cap},
            "seed": 0,
        }
    )
    with TemporaryDirectory() as folder:
        result = loopwright.run(
            task,
            proposer=ImageRefiner(),
            verifier=NoisyVerifier(NOISE[noise], once=strategy not in ("streams", "staged"), seed=0),
            auditor=PixelVerifier(),
            generator=model,
            editor=model,
            concurrency=8,
            out=Path(folder) / "run",
        )
        return list(result.episodes)


def main() -> None:
    """Prints a line for each strategy."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="painter/default")
    parser.add_argument("--atoms", type=int, default=7)
    parser.add_argument("--prompts", type=int, default=60)
    parser.add_argument("--noise", default="low", choices=list(NOISE))
    parser.add_argument("--cap", type=int, default=8)
    options = parser.parse_args()
    texts = prompts(options.atoms, options.prompts, "test")
    table = Table(
        "strategy", "all correct, %", "claimed, %", "images", title=f"{len(texts)} prompts, cap {options.cap}"
    )
    for strategy in STRATEGIES:
        episodes = run(strategy, texts, options.noise, options.model, options.cap)
        audited = 100 * fmean(episode.passed for episode in episodes)
        claimed = 100 * fmean(any(one.verdict.passed for one in episode.attempts) for episode in episodes)
        images = fmean(episode.images or 0 for episode in episodes)
        table.add_row(strategy, f"{audited:.1f}", f"{claimed:.1f}", f"{images:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
