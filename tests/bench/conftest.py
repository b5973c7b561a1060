from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import loopwright
from loopwright import RunResult, Task
from loopwright.models import Scripted

Play = Callable[..., tuple[RunResult, Scripted]]
GOLD = "wc -l < /data/a.txt"


def shell_task(**loop: Any) -> Task:
    return Task.model_validate(
        {
            "name": "lines",
            "goal": "How many lines has /data/a.txt?",
            "environment": {
                "name": "bash",
                "files": {"/data/a.txt": "one\ntwo\n"},
                "hidden": {"gold": f"{GOLD} # MARKED-GOLD"},
            },
            "agents": {"proposer": "actor"},
            "loop": {"max_iterations": 5, "repetition": None, "confirm": False, **loop},
            "sandbox": {"provider": "bubblewrap"},
        }
    )


@pytest.fixture
def play(tmp_path: Path) -> Play:
    def played(strategy: str, replies: Sequence[str | Exception], **loop: Any) -> tuple[RunResult, Scripted]:
        model = Scripted(replies)
        result = loopwright.run(shell_task(**loop), model=model, strategy=strategy, out=tmp_path / "run")
        return result, model

    return played
