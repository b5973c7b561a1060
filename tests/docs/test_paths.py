"""Files that the pages for contributors name are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "CONTRIBUTING.md", ROOT / "docs" / "architecture.md", *sorted((ROOT / "docs" / "add").glob("*.md"))]
_EXAMPLE = re.compile(r"\.\.\.|NAME|MODEL|hello")
"""What marks a path that is not a file here."""
_PATH = re.compile(r"`((?:\w[\w.-]*/)+[\w.-]*)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_files_that_a_page_names_are_there(page: Path) -> None:
    named = {path for path in _PATH.findall(page.read_text()) if not _EXAMPLE.search(path)}
    places = (ROOT, ROOT / "src" / "loopwright")
    assert sorted(path for path in named if not any((place / path).exists() for place in places)) == []
