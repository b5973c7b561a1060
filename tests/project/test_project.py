"""Content by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from loopwright.errors import MissingContent
from loopwright.project import Project


def test_the_users_content_goes_before_the_shipped(tmp_path: Path) -> None:
    project = Project(tmp_path)
    shipped = project.find("prompts", "proposer.md")
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "proposer.md").write_text("mine")
    assert project.find("prompts", "proposer") == tmp_path / "prompts" / "proposer.md" != shipped


def test_names_lists_both(tmp_path: Path) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "mine.yaml").touch()
    (tmp_path / "agents" / ".hidden.yaml").touch()
    assert {"mine", "proposer", "critic", "verifier"} <= set(Project(tmp_path).names("agents"))
    assert ".hidden" not in Project(tmp_path).names("agents")


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "nothing"])
def test_what_is_not_content_is_not_found(tmp_path: Path, name: str) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "outside.yaml").touch()
    with pytest.raises(MissingContent, match=r"(?s)there is no agent.*There are: .*proposer"):
        Project(tmp_path).find("agents", name)
