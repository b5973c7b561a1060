"""What the tests of the record share."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from loopwright.store import CallKey, Failed, Manifest, RunStore


def manifest(run: str = "r1", **config: Any) -> Manifest:
    return Manifest(id=run, created="2026-01-01T00:00:00+00:00", loopwright="0", config=config)


def new_run(folder: Path, run: str = "r1") -> RunStore:
    return RunStore.create(folder, manifest(run))


def key(iteration: int = 0, *, episode: str = "e", node: str = "propose", request: str = "q") -> CallKey:
    return CallKey(episode, iteration, node, 0, hashlib.sha256(request.encode()).hexdigest())


def python(program: str, *arguments: str | Path) -> subprocess.Popen[str]:
    """Starts another Python that imports what this one does, with pipes."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def note(text: str) -> Failed:
    """Some event with a text of choice."""
    return Failed(error="E", cause="harness", message=text, retried=False)
