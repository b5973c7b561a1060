"""Parts by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from loopwright.errors import MissingContent
from loopwright.plugins import load_plugin


def test_built_in_parts_go_first(tmp_path: Path) -> None:
    assert load_plugin("strategies", "mine", {"mine": 7}, folder=tmp_path) == 7


def test_an_import_path_is_looked_for_in_the_projects_folder(tmp_path: Path) -> None:
    (tmp_path / "parts_of_mine.py").write_text("class Judge:\n    pass\n")
    assert load_plugin("verifiers", "parts_of_mine:Judge", {}, folder=tmp_path).__name__ == "Judge"


@pytest.mark.parametrize("name", ["no_such_module_here:X", "json:NoSuchThing", ":X", "json:"])
def test_an_import_path_that_leads_nowhere_says_where_it_was_looked_for(tmp_path: Path, name: str) -> None:
    with pytest.raises(MissingContent, match=r"(?s)cannot be imported.*looked for in"):
        load_plugin("verifiers", name, {}, folder=tmp_path)


def test_an_unknown_name_says_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(
        MissingContent, match=r"(?s)'refin' among the strategies.*Did you mean refine\?.*refine, single"
    ):
        load_plugin("strategies", "refin", {"single": 1, "refine": 2}, folder=tmp_path)
