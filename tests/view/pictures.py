"""Pictures of the pages of `loopwright view` for the guide, of made-up runs.

`python -m tests.view.pictures [FOLDER]`.
"""

from __future__ import annotations

import io
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image

from loopwright.control import EpisodeStatus, RunStatus
from loopwright.store import DriftAlarm, EpisodeStarted, PersonAsked
from loopwright.task import Caps
from loopwright.types import Category, Channel, Question
from tests.report import browser, samples
from tests.report.builder import RunBuilder
from tests.view.asking import asking

FOLDER = Path("docs/images")
LIVE = "20261124-093012-7c2e"
UNDER_WAY = "sums.nested-11:refine:0"
QUESTION = Question(
    id=f"{UNDER_WAY}/1/decision",
    episode=UNDER_WAY,
    iteration=1,
    about="decision",
    text="Iteration 1 scores 0.25: 1 of 2 checks failed.\n"
    "TypeError: unsupported operand type(s) for +=: 'int' and 'list'\n"
    "The strategy would: continue (checks still fail).",
    choices=("continue", "backtrack", "stop"),
    targets=(0,),
)


def made(runs: Path) -> RunBuilder:
    """Four runs that ended, and one that works."""
    for name, folder in (("study", "20261123-091500-a1f3"), ("long_names", "20261122-170341-0b9d")):
        getattr(samples, name)(runs / folder)
    samples.pictures(runs / "20261122-113020-cube")
    samples.large(runs / "20261121-220418-5e01", events=3000)
    variants = ("single", "refine")
    tasks = {"tasks": [{"name": "sums"}], "budget": {"usd": 0.5, "model_calls": 120}}
    begun = datetime.now(UTC) - timedelta(seconds=90)
    run = RunBuilder(runs / LIVE, variants=variants, episodes=28, config=tasks, begun=begun)
    rng = random.Random(8)
    for number in range(11):
        for variant in variants:
            turns, failed = samples._turns(rng, variant, rng.random()), None
            if (number, variant) in ((3, "single"), (7, "refine")):
                failed = {"cause": "model", "error": "ModelUnavailable", "message": "503 after 5 attempts"}
            run.episode(turns, instance=f"nested-{number:02}", variant=variant, goal=samples.GOAL, failed=failed)
    alarm = DriftAlarm(
        channel=Channel.I_AGREE,
        category=Category.COORDINATION,
        at=18,
        onset=11,
        worse=True,
        shift=1.4,
        severity="severe",
    )
    run.append(alarm, episode="sums:refine:session")
    turns = samples._turns(rng, "refine", 0.9)[:2]
    run.episode(turns, instance="nested-11", goal=samples.GOAL, finish=False)
    run.append(PersonAsked(question=QUESTION), episode=UNDER_WAY, iteration=1)
    started = {"task": "sums", "instance": "nested-12", "variant": "single", "repeat": 0}
    run.append(
        EpisodeStarted(**started, goal="", strategy="single", models={}, seed=1), episode="sums.nested-12:single:0"
    )
    return run


@contextmanager
def served(runs: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "loopwright.cli", "view", "--runs", str(runs)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.terminate()


def save(page: browser.Page, path: Path) -> None:
    """Saves what the screen shows, in few colours."""
    page.shoot(path)
    picture = Image.open(io.BytesIO(path.read_bytes())).convert("RGB")
    picture.quantize(96, dither=Image.Dither.NONE).save(path, optimize=True)


def main(folder: Path = FOLDER) -> None:
    """Makes all pictures."""
    status = RunStatus(
        run=LIVE,
        pid=1,
        state="running",
        concurrency=2,
        episodes={"running": 2, "waiting": 4, "scored": 20, "failed": 2},
        under_way=(EpisodeStatus(id=UNDER_WAY, iteration=1), EpisodeStatus(id="sums.nested-12:single:0")),
        caps=Caps(usd=0.5, model_calls=120),
        left=Caps(usd=0.31, model_calls=58),
        questions=(QUESTION,),
    )
    with tempfile.TemporaryDirectory() as made_in, browser.Page(Path(made_in) / "profile") as page:
        runs = Path(made_in) / "runs"
        run = made(runs)
        with served(runs) as address, asking(run.folder, status, told="2 episodes at a time"):
            root = re.sub(r"\?.*", "", address)
            page.screen(1100, 460)
            page.open(address)
            page.settle("document.querySelectorAll('#runs tbody tr').length === 5")
            save(page, folder / "view-list.png")
            for name, size, dark in (("view-run", (1100, 900), False), ("view-phone", (390, 844), True)):
                page.screen(*size, dark=dark)
                page.open(f"{root}runs/{LIVE}/")
                page.settle(
                    "document.querySelector('#numbers .forest') && document.querySelector('#questions section')"
                )
                save(page, folder / f"{name}.png")
            page.screen(1100, 640)
            page.open(f"{root}runs/{LIVE}/")
            page.settle("document.querySelector('#questions section')")
            page.run("document.querySelector('#steer details').open = true")
            page.settle("document.getElementById('status').innerText")
            page.run("document.getElementById('steer').scrollIntoView()")
            page.settle()
            save(page, folder / "view-steer.png")
        run.close()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
