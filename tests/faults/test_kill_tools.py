"""`kill -9` where a server refuses tools: the same is asked in text, and no answer is paid twice."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import Counter
from pathlib import Path

import pytest

import loopwright
from loopwright.models import Endpoint
from loopwright.store import Event, Failed, Proposed, read_run
from tests.faults.table import proves
from tests.forked import processes
from tests.loop.test_tools import Stack, recorded, task
from tests.models.provider import Provider, fault, reply


class TextOnly:
    """A server that refuses tools, and acts in text."""

    def __init__(self) -> None:
        self.paid: Counter[str] = Counter()
        self.refused = 0
        self.provider = Provider(self._answer)

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        sent = self.provider.requests[-1].body
        said = json.dumps(sent["messages"])
        if "tools" in sent:
            self.refused += 1
            await fault(400, "m does not support tools")(writer)
        else:
            self.paid[said] += 1
            await reply("```forth\nsubmit\n```" if "Action 1" in said else "```forth\n5\n```")(writer)


def play(folder: Path, url: str, die_at: int = -1) -> None:
    """Starts the run or goes on with it; kills itself when event `die_at` is recorded."""

    def told(event: Event) -> None:
        if event.seq == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    endpoints = {"mine": Endpoint(base_url=url)}
    if (folder / "run.json").exists():
        loopwright.resume(folder, environment=Stack, endpoints=endpoints)
    else:
        loopwright.run(task("react"), model="mine/m", endpoints=endpoints, environment=Stack, out=folder, on_event=told)


@pytest.mark.slow
@proves(
    "`kill -9` around the refusal of tools by a server",
    "the episode goes on in text as it would have; no answer is paid twice; one refusal more at most",
)
def test_kill_9_at_a_refusal_of_tools(tmp_path: Path) -> None:
    async def go() -> None:
        whole = TextOnly()
        async with whole.provider as provider:
            await asyncio.to_thread(play, tmp_path / "whole", provider.base_url)
        expected = [step.candidate for step in recorded(tmp_path / "whole")]
        events = read_run(tmp_path / "whole").events
        refusal = next(event.seq for event in events if isinstance(event.data, Failed))
        acted = next(event.seq for event in events if isinstance(event.data, Proposed))
        for die_at in range(refusal - 1, acted + 1):
            folder, server = tmp_path / str(die_at), TextOnly()
            async with server.provider as provider:
                process = processes().Process(target=play, args=(folder, provider.base_url, die_at))
                process.start()
                await asyncio.to_thread(process.join)
                assert process.exitcode == -signal.SIGKILL
                await asyncio.to_thread(play, folder, provider.base_url)
            assert [step.candidate for step in recorded(folder)] == expected
            assert server.paid == whole.paid
            assert server.refused <= 2

    asyncio.run(go())
