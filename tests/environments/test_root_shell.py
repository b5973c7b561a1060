"""The environment bash for a workload that is root: the whole root counts, in Docker too."""

from __future__ import annotations

from typing import Any

import pytest

from loopwright.candidate import Candidate
from loopwright.environments import BUILTIN_ENVIRONMENTS, EnvironmentSetup
from loopwright.sandbox import SandboxSpec, open_provider
from loopwright.task import Instance

pytestmark = [pytest.mark.anyio, pytest.mark.docker, pytest.mark.slow]
FILES = {"/top.txt": "at the top\n", "/data/a.txt": "one\n"}


@pytest.mark.parametrize(
    ("action", "exact"),
    [
        ("cat /top.txt; echo x > /etc/new; rm /etc/issue", 1.0),
        ("cat /top.txt; echo y > /etc/new; rm /etc/issue", 0.0),
        ("cat /top.txt; echo x > /etc/new", 0.0),
        ("cat /top.txt; echo x > /etc/new; rm /etc/issue; chmod 700 /opt", 0.0),
    ],
)
async def test_what_root_does_anywhere_counts(action: str, exact: float) -> None:
    provider = await open_provider("docker")
    setup = EnvironmentSetup(provider, SandboxSpec(user="root"), put=lambda data: "", get=lambda reference: b"")
    environment: Any = BUILTIN_ENVIRONMENTS["bash"](setup)
    gold = "cat /top.txt; echo x > /etc/new; rm /etc/issue"
    try:
        await environment.reset(Instance(id="t", goal="go", public={"files": FILES}, hidden={"gold": gold}))
        seen = await environment.step(Candidate(text=f"~~~\n{action}\n~~~"))
        assert seen.text == "at the top\n"
        assert (await environment.scores()).exact == exact
    finally:
        await environment.close()
        await provider.close()
