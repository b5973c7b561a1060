from __future__ import annotations

import pytest

from loopwright.errors import SandboxUnavailable
from loopwright.sandbox import Control, Limits, Sandbox, SandboxProvider, SandboxSpec, doctor, open_provider

pytestmark = pytest.mark.anyio


async def test_every_control_is_read_back_once(box: Sandbox) -> None:
    assert [state.control for state in box.controls] == list(Control)
    assert all(state.evidence for state in box.controls)
    assert all(bool(state.remedy) != state.in_force for state in box.controls)


async def test_what_needs_no_control_group_is_in_force(box: Sandbox) -> None:
    missing = {state.control for state in box.controls if not state.in_force}
    assert missing <= {Control.MEMORY, Control.CPU}


@pytest.mark.docker
async def test_with_an_engine_all_ten_are(provider: SandboxProvider, box: Sandbox) -> None:
    if provider.name == "docker":
        assert all(state.in_force for state in box.controls), box.controls


async def test_evidence_is_what_the_limits_say(provider: SandboxProvider) -> None:
    box = await provider.open(SandboxSpec(limits=Limits(pids=17, memory_mb=99, scratch_mb=7)))
    said = {state.control: state.evidence for state in box.controls}
    await box.close()
    assert "17" in said[Control.PIDS] or "18" in said[Control.PIDS]
    assert str(99 << 20) in said[Control.MEMORY] or "99 MB" in said[Control.MEMORY]
    assert said[Control.READ_ONLY_ROOT].startswith("/ is ro; writable: /work size=7168k")


async def test_loosening_the_network_is_seen_and_told(provider: SandboxProvider) -> None:
    box = await provider.open(SandboxSpec(network="host"))
    state = next(state for state in box.controls if state.control is Control.NETWORK)
    interfaces = (await box.run(["cat", "/proc/net/dev"])).stdout.text
    await box.close()
    assert state.in_force == (interfaces.count(":") == 1)


async def test_a_control_that_is_missing_is_refused_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "loopwright.sandbox.bubblewrap._provider.places", list
    )  # a machine that delegates no control group
    provider = await open_provider("bubblewrap")
    with pytest.raises(SandboxUnavailable, match=r"memory .*; cpu ") as refusal:
        await provider.open(SandboxSpec(require=frozenset(Control)))
    assert "control groups may be made" in refusal.value.remedy
    box = await provider.open(SandboxSpec())
    assert {state.control for state in box.controls if not state.in_force} == {Control.MEMORY, Control.CPU}
    assert "MemoryError" in (await box.run(["python3", "-c", "x = b'x' * (9 << 30)"])).stderr.text
    await provider.close()


async def test_nothing_weaker_is_opened(provider: SandboxProvider) -> None:
    with pytest.raises(SandboxUnavailable):
        await provider.open(SandboxSpec(runtime="no-such-runtime"))
    with pytest.raises(SandboxUnavailable):
        await provider.open(SandboxSpec(image="no-such-image-or-folder"))


async def test_the_doctor_tells_of_both_providers() -> None:
    found = {diagnosis.provider: diagnosis for diagnosis in await doctor()}
    assert set(found) == {"docker", "bubblewrap"}
    for diagnosis in found.values():
        assert diagnosis.available == bool(diagnosis.controls)
        assert diagnosis.available != bool(diagnosis.remedy)
        assert diagnosis.said
    assert found["bubblewrap"].available
    assert {state.control for state in found["bubblewrap"].missing} <= {Control.MEMORY, Control.CPU}
