"""A small repository with a bug in two files, and ways to try candidates on it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from loopwright.candidate import Candidate
from loopwright.environments import EnvironmentSetup
from loopwright.repo import PATCH, Entry, RepoEnvironment, RepoFields, Tree, load_repository, write_diff
from loopwright.sandbox import Limits, SandboxProvider, SandboxSpec
from loopwright.task import Instance
from loopwright.types import Verdict

FILES = {
    "shop/__init__.py": "",
    "shop/prices.py": "def total(prices):\n    return sum(prices[1:])\n",
    "shop/text.py": "from shop.prices import total\n\n\ndef bill(prices):\n    return f'{total(prices):.1f} EUR'\n",
    "tests/__init__.py": "",
    "tests/test_text.py": (
        "import unittest\n\nfrom shop.text import bill\n\n\nclass BillTest(unittest.TestCase):\n"
        "    def test_nothing(self):\n        self.assertTrue(bill([]).endswith('EUR'))\n"
    ),
}
TEST = """\
import unittest

from shop.prices import total
from shop.text import bill


class TotalTest(unittest.TestCase):
    def test_all_prices_count(self):
        self.assertEqual(total([1, 2, 3]), 6)

    def test_cents_are_told(self):
        self.assertEqual(bill([1.25, 1]), '2.25 EUR')


def test_nothing_costs_nothing():
    assert total([]) == 0
"""
FAIL_TO_PASS = (
    "tests/test_total.py::TotalTest::test_all_prices_count",
    "tests/test_total.py::TotalTest::test_cents_are_told",
)
PASS_TO_PASS = ("tests/test_total.py::test_nothing_costs_nothing", "tests/test_text.py::BillTest::test_nothing")
RIGHT = {
    "shop/prices.py": "def total(prices):\n    return sum(prices)\n",
    "shop/text.py": FILES["shop/text.py"].replace(".1f", ".2f"),
}


def written(folder: Path, files: Mapping[str, str] = FILES) -> Path:
    """A folder with files."""
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return folder


def changed(base: Tree, files: Mapping[str, str | Entry | None]) -> Candidate:
    """The candidate that makes files others; None deletes one."""
    after = dict(base)
    for path, text in files.items():
        if text is None:
            del after[path]
        else:
            after[path] = text if isinstance(text, Entry) else Entry(text.encode())
    return Candidate(files={PATCH: write_diff(base, after)})


class Shop:
    """The repository, and an environment for it."""

    def __init__(self, environment: RepoEnvironment, folder: Path, runner: str) -> None:
        self.environment = environment
        self.folder = folder
        self.runner = runner
        self.base = load_repository(RepoFields(repository=str(folder)))

    def instance(self, hidden: Mapping[str, Any] | None = None, **public: Any) -> Instance:
        told = {"fail_to_pass": FAIL_TO_PASS, "pass_to_pass": PASS_TO_PASS, "test_files": {"tests/test_total.py": TEST}}
        fields = {"repository": str(self.folder), "runner": self.runner, **public}
        return Instance(id="shop", goal="Mend the bill.", public=fields, hidden=told if hidden is None else hidden)

    async def graded(self, files: Mapping[str, str | Entry | None], **public: Any) -> Verdict:
        """The hidden verdict on changed files."""
        await self.environment.reset(self.instance(**public))
        return await self.environment.submit(changed(self.base, files))


class Kept(dict[str, bytes]):
    """Artifacts."""

    def put(self, data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()
        self[name] = data
        return name


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
async def environment(provider: SandboxProvider, kept: Kept) -> AsyncIterator[RepoEnvironment]:
    spec = SandboxSpec(limits=Limits(scratch_mb=32))
    made = RepoEnvironment(EnvironmentSetup(provider=provider, spec=spec, put=kept.put, get=kept.__getitem__))
    yield made
    await made.close()


@pytest.fixture
def shop(environment: RepoEnvironment, tmp_path: Path) -> Shop:
    return Shop(environment, written(tmp_path / "shop"), "unittest")
