from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from loopwright.errors import ModelUnavailable, UserError
from loopwright.models import ModelOptions, Reply, Scripted, open_model
from tests.models.support import ask


def test_items_of_every_kind() -> None:
    whole = Reply(text="whole", model="other", finish="length")
    model = Scripted(["text", whole, lambda request: request.messages[-1].content.upper(), ModelUnavailable("down")])

    async def go() -> list[Reply]:
        return [await model.complete(ask(text)) for text in ("one two", "three", "four")]

    first, second, third = asyncio.run(go())
    assert (first.text, first.model) == ("text", "scripted/replies")
    assert (first.usage.input, first.usage.output) == (2, 1)
    assert second is whole
    assert third.text == "FOUR"
    with pytest.raises(ModelUnavailable, match="down"):
        asyncio.run(model.complete(ask()))
    assert [request.messages[0].content for request in model.requests][:3] == ["one two", "three", "four"]


def test_running_out_is_told() -> None:
    model = Scripted(["only"])
    asyncio.run(model.complete(ask()))
    with pytest.raises(UserError, match="has 1 replies and was asked 2 times"):
        asyncio.run(model.complete(ask()))


def test_a_cycle_starts_again() -> None:
    async def go() -> str:
        model = Scripted("ab", cycle=True)
        return "".join([(await model.complete(ask())).text for _ in range(5)])

    assert asyncio.run(go()) == "ababa"


@pytest.mark.parametrize(("name", "content"), [("a.yaml", "- one\n- |\n  two\n"), ("a.json", '["one", "two\\n"]')])
def test_replies_from_a_file(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    model = open_model(f"scripted/{name}", options=ModelOptions(folder=tmp_path))

    async def go() -> list[str]:
        return [(await model.complete(ask())).text for _ in range(2)]

    assert model.name == f"scripted/{name}"
    assert asyncio.run(go()) == ["one", "two\n"]


@pytest.mark.parametrize("content", ["just text", "- 1\n- 2\n", "a: b\n", "[", ""])
def test_another_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.yaml").write_text(content)
    with pytest.raises(UserError, match=r"a\.yaml"):
        open_model("scripted/a.yaml", options=ModelOptions(folder=tmp_path))


def test_replies_in_json_are_read_as_json(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[\t"\\ud83d\\ude00",\n"\\u00e9"]')
    model = Scripted.load(tmp_path / "a.json", name="scripted/a.json")
    assert [asyncio.run(model.complete(ask("x"))).text for _ in range(2)] == ["😀", "é"]
