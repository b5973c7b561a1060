"""The first task of README and tutorial: its wrong reply is wrong by the hidden test, too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import loopwright

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md"])
def test_the_wrong_reply_fails_and_refining_mends_it(page: str, tmp_path: Path) -> None:
    text = (ROOT / page).read_text()
    for name in ("middle.yaml", "replies.yaml"):
        found = re.search(rf'^(`{{3,}})yaml title="{name}"\n(.*?)^\1$', text, re.MULTILINE | re.DOTALL)
        assert found, name
        (tmp_path / name).write_text(found[2])
    passed = {}
    for strategy in ("single", "refine"):
        model = f"scripted/{tmp_path / 'replies.yaml'}"
        (episode,) = loopwright.run(tmp_path / "middle.yaml", model=model, strategy=strategy, out=tmp_path / strategy)
        passed[strategy] = episode.passed
    assert passed == {"single": False, "refine": True}
