"""What no verifier of a shipped problem takes: data of other shapes, and constructions that break a rule."""

from __future__ import annotations

import io
import json
import pickle
import struct
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from loopwright.discovery import ConstructionVerifier, Problem, problem_of
from loopwright.environments import find_environment
from loopwright.project import Project
from loopwright.sandbox import SandboxProvider, SandboxSpec, open_provider
from loopwright.task import Instance

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(path.parent.name for path in (ROOT / "environments/discovery").glob("*/environment.yaml"))


def problem(name: str) -> Problem:
    folder = find_environment(f"discovery/{name}", Project(ROOT))
    assert folder is not None
    return problem_of(Instance(id=name, goal="", public=folder.fields))


def wanted(problem: Problem, entry: Any) -> Any:
    """Nested lists of the right shape."""
    made = entry
    for length in reversed(problem.construction.shape):
        made = [made] * (3 if length is None else length)
    return made


def npy(descr: str, shape: tuple[int, ...], body: bytes, *, order: bool = False) -> bytes:
    head = f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + body


def generic(problem: Problem) -> Mapping[str, bytes]:
    """Data that no problem takes."""
    shape = problem.construction.shape

    def text(entry: str) -> bytes:
        return json.dumps(wanted(problem, "?")).replace('"?"', entry).encode()

    many = [length or problem.construction.most + 1 for length in shape]
    return {
        "nothing": b"",
        "no JSON": b"sum of radii: 1000000",
        "half a JSON": text("0.5")[:-1],
        "NaN": text("NaN"),
        "infinity": text("Infinity"),
        "minus infinity": text("-Infinity"),
        "a float that overflows": text("1e999"),
        "too large": text(str(int(problem.construction.largest) * 10 + 1)),
        "thousands of digits": text("9" * 5000),
        "text": text('"1"'),
        "true": text("true"),
        "null": text("null"),
        "an object": text('{"value": 1}'),
        "a reported score": b'{"score": 1e6, "construction": ' + text("0.5") + b"}",
        "a number alone": b"1",
        "one level too few": json.dumps(wanted(problem, 0)[0]).encode(),
        "one level too many": text("[0.5]"),
        "an empty list": b"[]",
        "deep nesting": b"[" * 100_000 + b"]" * 100_000,
        "UTF-16": text("0.5").decode().encode("utf-16"),
        "a pickle": pickle.dumps(wanted(problem, 0.5)),
        "an array of objects": npy("|O", (3,), pickle.dumps([1.0])),
        "an array that lies about its length": npy("<f8", (10**9,), b"\0" * 80),
        "an array of complex numbers": npy("<c16", (1,), b"\0" * 16),
        "an array of records": npy("[('a', '<f8')]", (3,), b"\0" * 24),
        "an array of thousands of levels": b"\x93NUMPY\x02\x00"
        + struct.pack("<I", 90_060)
        + (b"{'descr': '<f8', 'fortran_order': False, 'shape': (" + b"1, " * 30_000 + b"), }").ljust(90_060),
        "JSON that is nested to the limit of Python": b"[" * 9_990 + b"]" * 9_990,
        "an array whose head is a program": b"\x93NUMPY\x01\x00\x20\x00__import__('os').system('true')  \n",
        "too many entries": io.BytesIO(json.dumps([0] * (max(many) + 1)).encode()).getvalue(),
    }


CHEATS = yaml.safe_load((Path(__file__).parent / "cheats.yaml").read_text())
"""By problem: constructions that are of the right shape and break a rule, as Python expressions."""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def sandboxes() -> AsyncIterator[SandboxProvider]:
    provider = await open_provider("bubblewrap")
    yield provider
    await provider.close()


@pytest.mark.parametrize("name", NAMES)
async def test_no_cheat_has_a_value(name: str, sandboxes: SandboxProvider) -> None:
    asked = problem(name)
    verifier = ConstructionVerifier(sandboxes, SandboxSpec(), asked)
    own = {f"{name}: {why}": json.dumps(eval(said, {})).encode() for why, said in CHEATS[name].items()}
    try:
        for why, data in {**generic(asked), **own}.items():
            found = await verifier.verify(data)
            assert found.outcome == "invalid", f"{why}: {found}"
            assert found.why
    finally:
        await verifier.close()


def test_every_problem_has_cheats_of_its_own_and_known_values() -> None:
    assert sorted(CHEATS) == NAMES
    assert all(CHEATS[name] and problem(name).known and problem(name).seed for name in NAMES)
    assert len(NAMES) >= 15
    assert sum(map(len, CHEATS.values())) >= 50
