"""One index: the contents page, the site's navigation and the files under docs/ agree."""

from __future__ import annotations

import pkgutil
import re
from pathlib import Path

import yaml

import loopwright

DOCS = Path(__file__).resolve().parents[2] / "docs"


def _contents() -> list[tuple[str, str, str]]:
    """Section, title and path of every entry of the contents page."""
    entries = []
    for section in (DOCS / "README.md").read_text().split("\n## ")[1:]:
        name, _, body = section.partition("\n")
        entries += [(name, title, path) for title, path in re.findall(r"^- \[(.+?)\]\((.+?)\)", body, re.MULTILINE)]
    return entries


def _navigation() -> list[tuple[str, str, str]]:
    first, *sections = yaml.safe_load((DOCS.parent / "mkdocs.yml").read_text())["nav"]
    assert first == {"Contents": "README.md"}
    return [
        (name, title, path)
        for section in sections
        for name, entries in section.items()
        for entry in entries
        for title, path in entry.items()
    ]


def test_the_contents_page_and_the_navigation_are_the_same() -> None:
    assert _contents() == _navigation()


def test_every_page_is_in_the_index_once() -> None:
    pages = [str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md") if page != DOCS / "README.md"]
    assert sorted(pages) == sorted(path for _, _, path in _contents())


def test_every_public_package_has_a_page_in_the_reference() -> None:
    names = [module.name for module in pkgutil.iter_modules(loopwright.__path__) if not module.name.startswith("_")]
    wanted = {"loopwright": "loopwright"} | {name: f"loopwright.{name}" for name in names if name != "cli"}
    assert {page.stem: page.read_text().split("::: ")[1].strip() for page in (DOCS / "api").glob("*.md")} == wanted
