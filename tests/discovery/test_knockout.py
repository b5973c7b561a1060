"""Ideas that the tuner turns off, in pairs that differ in one switch alone."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

import loopwright
from loopwright.discovery import constants_of
from loopwright.record import RunReader
from loopwright.report import knockout_lines
from loopwright.store import read_run

TASK = """
version: 1
name: hill
goal: Make the value large.
environment:
  name: discovery
  construction: {shape: [1]}
  seed: |
    import json, os, random
    SEED = 0  # tune: any
    GOOD = 1  # tune: 0 to 1
    USELESS = 1  # tune: 0 to 1
    random.seed(SEED)
    x = json.load(open("parent.json"))[0] if os.path.exists("parent.json") else 0.0
    json.dump([x + random.random() + (5 if GOOD else 0)], open("construction.json", "w"))
  verifier: |
    def verify(numbers):
        return numbers[0]
sandbox: {provider: bubblewrap}
agents: {proposer: tuner}
loop: {strategy: discover, max_iterations: 36, width: 1, value: {direction: maximize}}
"""


@pytest.mark.parametrize(
    ("line", "switch"),
    [
        ("X = 1  # tune: 0 to 1", True),
        ("X = 0  # tune: 0 to 1", True),
        ("X = 1.0  # tune: 0 to 1", False),
        ("X = 1  # tune: 0 to 2", False),
        ("X = 1  # tune: any", False),
    ],
)
def test_a_whole_constant_from_0_to_1_is_a_switch(line: str, switch: bool) -> None:
    (one,) = constants_of(line)
    assert one.switch == switch


@pytest.mark.slow
def test_pairs_differ_in_one_switch_alone_and_tell_which_idea_helps(tmp_path: Path) -> None:
    (tmp_path / "hill.yaml").write_text(TASK)
    loopwright.run(tmp_path / "hill.yaml", out=tmp_path / "run", seed=3)
    run = read_run(tmp_path / "run")
    (episode,) = RunReader(run.result).read(run.events)
    made = [one for one in episode if one.candidate and one.candidate.made["operation"] in ("without", "with")]
    pairs = [
        (off, on)
        for off, on in pairwise(made)
        if off.parent == on.parent
        and off.candidate
        and on.candidate
        and [one.candidate.made["operation"] for one in (off, on) if one.candidate] == ["without", "with"]
    ]
    assert pairs
    for off, on in pairs:
        assert off.candidate is not None
        assert on.candidate is not None
        assert off.candidate.artifacts == on.candidate.artifacts
        lines = [one.candidate.files["solution.py"].splitlines() for one in (off, on) if one.candidate]
        different = [(a, b) for a, b in zip(*lines, strict=True) if a != b]
        name = off.candidate.made["switch"]
        assert on.candidate.made["changed"] == [name]
        assert different == [(f"{name} = 0  # tune: 0 to 1", f"{name} = 1  # tune: 0 to 1")]
    told = {line.split(":")[0]: line for line in knockout_lines(episode)}
    assert "worse in 0; its gain is +5 in the mean" in told["without GOOD"]
    assert "better with it in 0 of" in told["without USELESS"]
    assert "its gain is +0 in the mean" in told["without USELESS"]
