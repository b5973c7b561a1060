from __future__ import annotations

from pathlib import Path
from typing import get_args

from loopwright.store import Payload
from tests.docs.pages import events


def test_the_documented_schema_is_the_one_in_the_code(repository: Path) -> None:
    assert (repository / "docs" / "events.md").read_text() == events(), "run: python -m tests.docs.pages"


def test_every_event_and_field_is_in_the_reference() -> None:
    page = events()
    for payload in get_args(get_args(Payload)[0]):
        section = page.partition(f"## `{payload.model_fields['type'].default}`")[2].partition("\n## ")[0]
        assert [name for name in payload.model_fields if name != "type" and f"| `{name}` |" not in section] == []
