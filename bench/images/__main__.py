"""Does refining pictures beat sampling? Strategies on drawn shapes, by the number of atoms and the cap on images.

The verifier in the loop is wrong at set rates, as a vision model is; the auditor measures pixels and is exact on what
the painter draws. A run at the highest cap gives all lower ones: no strategy looks at its cap, so the answer under a
cap of c is the best of the first c pictures by the loop's own verdicts.

`python -m bench.images [--model painter/default] [--prompts 300] [--seeds 3] [--atoms 3 5 7] [--noise low high]`
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from rich.console import Console
from rich.table import Table

import loopwright
from bench.images.noise import NOISE, Noise, NoisyVerifier
from loopwright.images import ImageCritic, ImageRefiner, PixelVerifier
from loopwright.images.shapes import sample_prompt
from loopwright.runner import EpisodeResult
from loopwright.task import Task

CAPS = (1, 2, 4, 8, 16)
DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Arm:
    """A strategy with the verifier that goes with it."""

    name: str
    strategy: str
    looks: int = 1
    """Looks that must agree before a picture passes."""
    stops: bool = True
    """Whether the critic stops the loop when all answers are "yes"."""


ARMS = (
    Arm("best_of_n", "best_of_n"),
    Arm("best_of_n, 2 looks", "best_of_n", looks=2),
    Arm("ircig", "ircig"),
    Arm("ircig, all images", "ircig", stops=False),
    Arm("streams", "streams", looks=2),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one episode came to under one cap."""

    claimed: bool
    audited: bool
    images: int
    looks: int
    """Calls of the verifier and of a critic that looks."""


def prompts(atoms: int, number: int) -> list[str]:
    """Different prompts with so many atoms; fewer where there are no more."""
    rng, found = random.Random(f"prompts/{atoms}"), dict[str, None]()
    for _ in range(50 * number):
        found[str(sample_prompt(rng, atoms))] = None
        if len(found) == number:
            break
    return list(found)


def run(
    arm: Arm, texts: Sequence[str], noise: Noise, model: str, seed: int, folder: Path
) -> dict[str, dict[int, Outcome]]:
    """Prompt to what came of it under each cap."""
    task = Task.model_validate(
        {
            "name": "shapes",
            "goal": "shapes",
            "environment": {"name": "images"},
            "data": [{"id": f"p{number}", "goal": text} for number, text in enumerate(texts)],
            "loop": {"strategy": arm.strategy, "max_iterations": CAPS[-1], "grade": "all", "confirm": False},
            "budget": {"images": CAPS[-1]},
            "seed": seed,
        }
    )
    result = loopwright.run(
        task,
        proposer=ImageRefiner(),
        critic=ImageCritic(stops=arm.stops),
        verifier=NoisyVerifier(noise, looks=arm.looks, seed=seed),
        auditor=PixelVerifier(),
        generator=model,
        editor=model,
        concurrency=8,
        out=folder / f"{ARMS.index(arm)}-{noise.name}-{seed}",
    )
    return {episode.started.goal: {cap: outcome(episode, cap, arm) for cap in CAPS} for episode in result.episodes}


def outcome(episode: EpisodeResult, cap: int, arm: Arm) -> Outcome:
    """An episode as if it had ended after so many pictures."""
    attempts = [attempt for attempt in episode.attempts if attempt.candidate is not None][:cap]
    best = max(attempts, key=lambda attempt: (attempt.verdict.score, -attempt.iteration))
    audited = next(graded for graded in episode.graded if graded.candidate_iteration == best.iteration)
    looks = sum(_looks(attempt.verdict.checks[0].data) for attempt in attempts)
    critic = len(attempts) if arm.strategy == "ircig" else 0
    return Outcome(best.verdict.passed, audited.passed, len(attempts), looks + critic)


def _looks(data: Mapping[str, object] | None) -> int:
    looks = (data or {}).get("looks", 1)
    return looks if isinstance(looks, int) else 1


def difference(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Mean difference in points, with a 95 % interval by paired bootstrap over prompts."""
    pairs = [100 * (one - other) for one, other in zip(ours, theirs, strict=True)]
    rng = random.Random(0)
    means = sorted(fmean(rng.choices(pairs, k=len(pairs))) for _ in range(DRAWS))
    return f"{fmean(pairs):+.1f} [{means[int(0.025 * DRAWS)]:+.1f}, {means[int(0.975 * DRAWS) - 1]:+.1f}]"


def main() -> None:
    """Prints one table for each number of atoms and each noise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="painter/default")
    parser.add_argument("--prompts", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--atoms", type=int, nargs="+", default=[1, 3, 5, 7])
    parser.add_argument("--noise", nargs="+", default=["low", "high"], choices=list(NOISE))
    parser.add_argument("--arms", nargs="+", default=[arm.name for arm in ARMS], choices=[arm.name for arm in ARMS])
    options = parser.parse_args()
    console = Console(width=160)
    for atoms in options.atoms:
        texts = prompts(atoms, options.prompts)
        for name in options.noise:
            with tempfile.TemporaryDirectory() as folder:
                found = {
                    arm.name: [
                        run(arm, texts, NOISE[name], options.model, seed, Path(folder)) for seed in range(options.seeds)
                    ]
                    for arm in ARMS
                    if arm.name in options.arms
                }
            console.print(
                _table(
                    found, texts, f"{atoms} atoms, {name} noise, {options.model}, n = {len(texts)} x {options.seeds}"
                )
            )


def _table(found: Mapping[str, Sequence[dict[str, dict[int, Outcome]]]], texts: Sequence[str], title: str) -> Table:
    table = Table(
        "cap", "strategy", "audited %", "claimed - audited", "images", "looks", "streams - it, points", title=title
    )

    def of(arm: str, cap: int, field: str) -> list[float]:
        """By prompt, the mean over seeds."""
        return [fmean(float(getattr(run[text][cap], field)) for run in found[arm]) for text in texts]

    for cap in CAPS:
        ours = of("streams", cap, "audited")
        for arm in found:
            audited, claimed = of(arm, cap, "audited"), of(arm, cap, "claimed")
            table.add_row(
                str(cap),
                arm,
                f"{100 * fmean(audited):.1f}",
                f"{100 * (fmean(claimed) - fmean(audited)):+.1f}",
                f"{fmean(of(arm, cap, 'images')):.2f}",
                f"{fmean(of(arm, cap, 'looks')):.2f}",
                "" if arm == "streams" else difference(ours, audited),
            )
        table.add_section()
    return table


if __name__ == "__main__":
    main()
