"""Servers of tools in sandboxes on workers: one whose worker dies is no answer to an agent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import loopwright
from loopwright import ComponentOverrides, Run, RunConfig
from loopwright.cluster import RayCluster
from loopwright.models import Reply, Scripted
from loopwright.store import CallFinished
from tests.cluster.workload import Shared, executed, kill, outcome
from tests.mcp_tools.test_mcp_tools import call, hand_made

pytestmark = pytest.mark.anyio
pytest.importorskip("mcp", reason="the extra mcp is not installed")

ROOT = Path(__file__).parents[2]
COUNTING = """RESULT["content"][0]["text"] += "."
time.sleep(0.3)
answer(asked, RESULT)"""


def counting(folder: Path) -> Run:
    """A run whose agent calls a tool three times, which says how often it was called."""
    replies: list[Reply | str] = [*(call("s__t", number) for number in range(3)), call("submit", 3)]
    model = Scripted(replies)
    task = loopwright.Task.model_validate(
        {
            "name": "count",
            "goal": "Call the tool three times.",
            "environment": {"name": "bash", "hidden": {"gold": "true"}},
            "loop": {"strategy": "react", "max_iterations": 6, "repetition": None},
            "agents": {"proposer": "actor"},
            "model": model.name,
            "sandbox": {"provider": "bubblewrap"},
            "mcp_servers": {"s": {"command": hand_made(called=COUNTING), "timeout": 30}},
        }
    )
    config = RunConfig(tasks=(task,), project=ROOT)
    return Run.create(config, folder, given=ComponentOverrides(models={model.name: model}))


@pytest.mark.slow
async def test_a_worker_that_dies_under_a_server_costs_no_result(tmp_path: Path, cluster: RayCluster) -> None:
    expected = outcome(await executed(counting(tmp_path / "here"), None))
    seen = [text for _, text, _ in expected[0].attempts]
    assert seen[:3] == ["done.", "done..", "done..."]
    run = counting(tmp_path / "there")
    calls = 0

    def strike(event: Any) -> None:
        nonlocal calls
        if isinstance(event.data, CallFinished):
            calls += 1
            if calls == 2:
                for facts in cluster.facts:
                    kill(facts.pid)

    run.on_event(strike)
    assert outcome(await executed(run, Shared(cluster))) == expected
