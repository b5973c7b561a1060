"""The example of a person who decides: the task as it is, and as a LangGraph graph."""

from __future__ import annotations

import asyncio
import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

import loopwright
from loopwright.loop import Gate
from loopwright.types import PersonAnswer, Question

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "person"
pytestmark = pytest.mark.slow


def test_a_person_agrees_and_the_task_is_solved(tmp_path: Path) -> None:
    class Agrees:
        async def ask(self, question: Question, gate: Gate) -> PersonAnswer:
            assert "word[0]" in question.text
            return PersonAnswer(choice="agree")

    result = loopwright.run(EXAMPLE / "task.yaml", project=EXAMPLE, out=tmp_path / "out", person=Agrees())
    assert (result.pass_rate, len(result.episodes[0].attempts)) == (1.0, 2)


def test_the_graph_of_its_langgraph_json_is_interrupted_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, _, name = json.loads((EXAMPLE / "langgraph.json").read_text())["graphs"]["initials"].partition(":")
    kept = loopwright.run_graph

    def elsewhere(*args: Any, **kwargs: Any) -> Any:
        return kept(*args, **{**kwargs, "runs": tmp_path, "checkpointer": InMemorySaver()})

    monkeypatch.setattr(loopwright, "run_graph", elsewhere)
    graph = runpy.run_path(str(EXAMPLE / file))[name]
    thread: Any = {"configurable": {"thread_id": "one"}}
    first = asyncio.run(graph.ainvoke({}, thread))
    assert "test_hyphen" in first["__interrupt__"][0].value["questions"][0]["text"]
    done = asyncio.run(graph.ainvoke(Command(resume="continue names may have hyphens"), thread))
    assert done["pass_rate"] == 1.0
