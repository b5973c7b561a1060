"""Programs that are executed and measured, and what goes wrong with them."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from loopwright.candidate import Candidate
from loopwright.discovery import DiscoveryEnvironment
from loopwright.environments import EnvironmentSetup
from loopwright.errors import TaskError, VerifierError
from loopwright.sandbox import Limits, SandboxProvider, SandboxSpec
from loopwright.task import Instance
from loopwright.types import Observation

pytestmark = pytest.mark.anyio

VERIFIER = """
def verify(numbers):
    if any(number < 0 for number in numbers):
        raise ValueError("a number is negative")
    return sum(numbers)
"""
SEED = """
import json
json.dump([1, 2, 3], open("construction.json", "w"))
"""


def instance(**fields: Any) -> Instance:
    public = {"verifier": VERIFIER, "seed": SEED, "construction": {"shape": [3]}, **fields}
    return Instance(id="sum", goal="Make the sum large.", public=public)


def writes(text: str) -> str:
    return f"open('construction.json', 'w').write({text!r})"


class Kept(dict[str, bytes]):
    def put(self, data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()
        self[name] = data
        return name


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
async def environment(provider: SandboxProvider, kept: Kept) -> AsyncIterator[DiscoveryEnvironment]:
    spec = SandboxSpec(limits=Limits(scratch_mb=16))
    made = DiscoveryEnvironment(EnvironmentSetup(provider=provider, spec=spec, put=kept.put, get=kept.__getitem__))
    yield made
    await made.close()


async def tried(
    environment: DiscoveryEnvironment, program: str, artifacts: Mapping[str, str] | None = None, **fields: Any
) -> Observation:
    await environment.reset(instance(**fields))
    return await environment.step(Candidate(files={"solution.py": program}, artifacts=artifacts or {}))


async def test_the_value_is_what_the_verifier_measures(environment: DiscoveryEnvironment) -> None:
    seen = await tried(environment, "print('score 1e6')\n" + writes("[1, 2.5, 3]"))
    assert seen.verdict is not None
    assert (seen.verdict.passed, seen.verdict.value) == (True, 6.5)
    assert "score 1e6" in seen.text
    answer = await environment.submit(Candidate(files={"solution.py": "print('score 1e6')\n" + writes("[1, 2.5, 3]")}))
    assert (answer.passed, answer.value) == (True, 6.5)


async def test_a_program_goes_on_from_what_its_parent_found(environment: DiscoveryEnvironment, kept: Kept) -> None:
    program = (
        "import json\nx = json.load(open('parent.json'))\njson.dump([n + 1 for n in x], open('construction.json', 'w'))"
    )
    seen = await tried(environment, program, {"construction": kept.put(b"[10, 20, 30]")})
    assert seen.verdict is not None
    assert seen.verdict.value == 63


async def test_an_array_is_read_and_handed_on_as_one(environment: DiscoveryEnvironment) -> None:
    head = "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }".ljust(117) + "\n"
    write = f"""
import os, struct
head = {head!r}.encode()
old = open('parent.npy', 'rb').read()[-24:] if os.path.exists('parent.npy') else struct.pack('<3d', 1, 2, 3)
body = struct.pack('<3d', *(n + 1 for n in struct.unpack('<3d', old)))
open('construction.npy', 'wb').write(b'\\x93NUMPY\\x01\\x00' + struct.pack('<H', len(head)) + head + body)
"""
    first = await tried(environment, write)
    assert first.verdict is not None
    assert first.verdict.value == 9
    data = first.verdict.checks[0].data or {}
    again = await tried(environment, write, {"construction": str(data["construction"])})
    assert again.verdict is not None
    assert again.verdict.value == 12


async def test_a_value_that_no_record_can_hold_is_not_valid(environment: DiscoveryEnvironment) -> None:
    seen = await tried(environment, writes("[1, 1, 1]"), verifier="def verify(numbers):\n    return 10**14\n")
    assert seen.verdict is not None
    assert (seen.verdict.score, seen.verdict.value) == (0, None)
    assert "beyond 1e+12" in seen.text


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("", "wrote no construction.json"),
        ("raise RuntimeError('lost')", "wrote no construction.json"),
        (writes("[1, -2, 3]"), "a number is negative"),
        (writes("[1, 2]"), "the construction has 2 entries, and 3 belong there"),
        (writes("[1, 2, Infinity]"), "Infinity is no number"),
        ("import os; os.symlink('/etc/passwd', 'construction.json')", "the file is not JSON"),
        ("import os; os.mkfifo('construction.json')", "cannot be read"),
        ("import os; os.mkdir('construction.json')", "cannot be read"),
        ("import os; open('construction.json', 'w').truncate(2 << 30)", "File too large"),
        ("open('construction.json', 'w').write(' ' * (5 << 20))", "cannot be read"),
        ("import pickle; pickle.dump([1, 2, 3], open('construction.json', 'wb'))", "neither JSON"),
        ("open('verifier.py', 'w').write('def verify(x): return 1e9')", "wrote no construction.json"),
    ],
)
async def test_what_is_no_construction_has_no_value(environment: DiscoveryEnvironment, program: str, why: str) -> None:
    seen = await tried(environment, program)
    assert seen.verdict is not None
    assert (seen.verdict.score, seen.verdict.value) == (0, None)
    assert why in seen.text


async def test_a_program_is_stopped_with_all_its_children_and_its_last_file_counts(
    environment: DiscoveryEnvironment,
) -> None:
    program = writes("[1, 1, 1]") + "\nimport os, time\nif os.fork() == 0:\n    os.setsid()\nwhile True: time.sleep(1)"
    seen = await tried(environment, program, timeout=3)
    assert seen.verdict is not None
    assert seen.verdict.value == 3
    assert "stopped after 3 s" in seen.text


HANGS = "\nimport time\nwhile True: time.sleep(1)"


@pytest.mark.parametrize("end", [HANGS, "\nraise RuntimeError('late')"])
async def test_a_construction_of_a_program_that_did_not_finish_is_marked_and_the_problem_says_what_it_is_worth(
    environment: DiscoveryEnvironment, end: str
) -> None:
    program = writes("[1, 1, 1]") + end
    seen = await tried(environment, program, timeout=3)
    assert seen.verdict is not None
    assert (seen.verdict.value, (seen.verdict.checks[0].data or {})["unfinished"]) == (3, True)
    answer = await environment.submit(Candidate(files={"solution.py": program}))
    assert (answer.value, answer.checks[0].data) == (3, seen.verdict.checks[0].data)
    seen = await tried(environment, program, timeout=3, unfinished="fails")
    assert seen.verdict is not None
    assert (seen.verdict.score, seen.verdict.value) == (0, None)
    assert (seen.verdict.checks[0].data or {})["unfinished"] is True
    assert "the program did not finish" in seen.text
    assert "the program did not finish" in seen.verdict.checks[0].evidence


async def test_a_program_that_finished_is_not_marked_and_half_a_file_is_no_construction(
    environment: DiscoveryEnvironment,
) -> None:
    seen = await tried(environment, writes("[1, 1, 1]"), unfinished="fails")
    assert seen.verdict is not None
    assert (seen.verdict.value, list(seen.verdict.checks[0].data or {})) == (3, ["construction"])
    half = "file = open('construction.json', 'w')\nfile.write('[1, 1,')\nfile.flush()" + HANGS
    seen = await tried(environment, half, timeout=3)
    assert seen.verdict is not None
    assert seen.verdict.value is None
    assert seen.verdict.checks[0].evidence.startswith("the file is not JSON")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("raise RuntimeError('odd')", "it raised RuntimeError: odd in line 4 of the verifier"),
        ("while True: pass", "it took more than 0.5 seconds"),
        ("return float('nan')", "it returned nan"),
        ("return float('inf')", "it returned inf"),
        ("return True", "it returned bool"),
        ("return 'high'", "it returned str"),
        ("import os; os._exit(0)", "it ended without a result"),
    ],
)
async def test_data_that_breaks_a_verifier_is_not_valid(environment: DiscoveryEnvironment, body: str, why: str) -> None:
    verifier = f"def verify(numbers):\n    if numbers == [1, 2, 3]:\n        return 6\n    {body}\n"
    seen = await tried(environment, writes("[0, 0, 0]"), verifier=verifier, verify_timeout=0.5)
    assert seen.verdict is not None
    assert seen.verdict.score == 0
    assert why in seen.text


@pytest.mark.parametrize(
    "data",
    [
        "b'[' + b'[],' * 1_300_000 + b'[]]'",
        r"b'\x93NUMPY\x02\x00' + (3_000_000).to_bytes(4, 'little') + b'1' + b'+1' * 1_500_000",
        r"b'\x93NUMPY\x02\x00' + (3_000_000).to_bytes(4, 'little') + b'(' * 3_000_000",
    ],
)
async def test_data_that_nobody_can_read_blames_no_verifier(provider: SandboxProvider, kept: Kept, data: str) -> None:
    spec = SandboxSpec(limits=Limits(scratch_mb=16, memory_mb=64))
    environment = DiscoveryEnvironment(
        EnvironmentSetup(provider=provider, spec=spec, put=kept.put, get=kept.__getitem__)
    )
    try:
        seen = await tried(environment, f"open('construction.json', 'wb').write({data})", seed="")
    finally:
        await environment.close()
    assert seen.verdict is not None
    assert (seen.verdict.score, seen.verdict.value) == (0, None)


async def test_data_that_is_not_read_in_time_is_told_as_that(environment: DiscoveryEnvironment) -> None:
    program = "open('construction.json', 'w').write('[0' + ', 0' * 900_000 + ']')"
    with pytest.raises(VerifierError, match="the data was not read within 1e-06 seconds"):
        await tried(environment, program, seed="", verify_timeout=1e-6)


async def test_what_a_verifier_prints_is_lost(environment: DiscoveryEnvironment) -> None:
    verifier = "def verify(numbers):\n    for _ in range(2000): print('x' * 100000)\n    return 1\n"
    seen = await tried(environment, writes("[0, 0, 0]"), verifier=verifier)
    assert seen.verdict is not None
    assert seen.verdict.value == 1


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"verifier": "def verify(numbers):\n    raise RuntimeError('odd')\n"}, "fails on what the seed program found"),
        ({"verifier": "import nothing\ndef verify(numbers): return 1\n"}, "cannot be loaded: ModuleNotFoundError"),
        (
            {"verifier": "def verify(numbers):\n    return None\n", "seed": "raise RuntimeError('lost')"},
            "seed program found nothing",
        ),
        ({"verifier": "def verify(numbers):\n    return None\n", "seed": ""}, "the verifier failed"),
    ],
)
async def test_a_broken_verifier_is_no_score(
    environment: DiscoveryEnvironment, fields: Mapping[str, Any], why: str
) -> None:
    with pytest.raises(VerifierError, match=why):
        await tried(environment, writes("[0, 0, 0]"), **fields)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"verifier": "x = 1"}, "there is no function `verify`"),
        ({"verifier": "def verify(:"}, "verifier: line 1"),
        ({"seed": "if:"}, "seed: line 1"),
        ({"construction": {"shape": [0]}}, "construction"),
        ({"construction": {"kind": "complex"}}, "construction"),
        ({"known": [{"value": 1.0, "source": ""}]}, "known"),
        ({"timeout": 0}, "timeout"),
        ({"unfinished": "half"}, "unfinished"),
        ({"best": 1}, "no such field"),
    ],
)
def test_a_field_that_cannot_be_used_is_told_before_a_run(fields: Mapping[str, Any], why: str) -> None:
    with pytest.raises(TaskError, match=why):
        DiscoveryEnvironment.check(instance(**fields))


async def test_a_candidate_that_takes_several_processors_has_them(provider: SandboxProvider, kept: Kept) -> None:
    places = []
    for cpus in (0.5, 1.0, 2.0, 1e9):
        spec = SandboxSpec(limits=Limits(cpus=cpus))
        places.append(DiscoveryEnvironment(EnvironmentSetup(provider, spec, kept.put, kept.__getitem__)).places)
    assert places == [places[1], places[1], max(1, places[1] // 2), 1]
