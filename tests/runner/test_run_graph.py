"""A run as a LangGraph graph: a person is asked by LangGraph's own interrupt."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

import loopwright
from loopwright import Observation, Scripted, Task
from loopwright.errors import UserError
from loopwright.loop import Gate
from loopwright.store import CallFinished, Decided, PersonAnswered, read_run
from loopwright.types import Check, PersonAnswer, Question, Verdict

THREAD: Any = {"configurable": {"thread_id": "one"}}


class Word:
    """An environment without a sandbox: the answer is a word."""

    def __init__(self, setup: object) -> None:
        pass

    async def reset(self, instance: object) -> Observation:
        return Observation()

    async def step(self, action: Any) -> Observation:
        return Observation(text=f"ran {action.text}", verdict=await self.submit(action))

    async def submit(self, answer: Any) -> Verdict:
        return Verdict(checks=(Check(name="word", score=float(answer.text == "yes"), evidence="it is not yes"),))

    async def close(self) -> None:
        pass


def _task(**loop: Any) -> Task:
    return Task.model_validate(
        {
            "name": "say",
            "goal": "Say yes.",
            "environment": {"name": "given"},
            "agents": {"proposer": "author"},
            "loop": {"strategy": "refine", **loop},
        }
    )


def _graph(tmp_path: Path, replies: list[str], **loop: Any) -> Any:
    return loopwright.run_graph(
        _task(**loop),
        runs=tmp_path / "runs",
        checkpointer=InMemorySaver(),
        model=Scripted(replies, cycle=True),
        environment=Word,
        project=tmp_path,
    )


def _invoke(graph: Any, what: Any) -> dict[str, Any]:
    result: dict[str, Any] = asyncio.run(graph.ainvoke(what, THREAD))
    return result


def _asked(result: dict[str, Any]) -> dict[str, Any]:
    value: dict[str, Any] = result["__interrupt__"][0].value
    return value


def test_a_thread_is_a_run_that_is_interrupted_by_each_question(tmp_path: Path) -> None:
    graph = _graph(tmp_path, ["no", "nay"], ask_person=["action", "decision"])
    first = _asked(_invoke(graph, {}))["questions"]
    assert [one["about"] for one in first] == ["action"]
    second = _asked(_invoke(graph, Command(resume="approve")))["questions"]
    assert second[0]["choices"] == ["agree", "continue", "restart", "backtrack", "stop"]
    third = _asked(_invoke(graph, Command(resume={"choice": "continue", "text": "say another"})))["questions"]
    _invoke(graph, Command(resume={third[0]["id"]: "refuse not that"}))
    done = _invoke(graph, Command(resume="stop enough"))
    assert (done["pass_rate"], done["episodes"][0]["answer"]["text"]) == (0.0, "no")
    events = list(read_run(Path(done["folder"])).events)
    answers = [event.data.answer for event in events if isinstance(event.data, PersonAnswered)]
    assert [(one.choice, one.by) for one in answers] == [
        (choice, "langgraph") for choice in ("approve", "continue", "refuse", "stop")
    ]
    assert [event.data.rule for event in events if isinstance(event.data, Decided)][-1] == "person"
    calls = [event.data.key for event in events if isinstance(event.data, CallFinished)]
    assert len(calls) == len(set(calls))


def test_an_answer_that_cannot_be_used_is_asked_again_with_the_problem(tmp_path: Path) -> None:
    graph = _graph(tmp_path, ["no"], ask_person=["decision"])
    _invoke(graph, {})
    for answer, problem in (
        ("perhaps", "'perhaps' is no answer"),
        ("backtrack", "needs the iteration"),
        ("backtrack 7", "no candidate of an iteration 7"),
        ("approve", "is no answer to"),
        ({"choice": "stop", "more": 1}, "more"),
        (3, "the answer"),
        ({"other": "stop"}, "Field required"),
    ):
        assert problem in _asked(_invoke(graph, Command(resume=answer)))["problem"], answer
    assert _invoke(graph, Command(resume="stop"))["episodes"][0]["passed"] is False


def test_without_questions_the_graph_runs_to_its_end(tmp_path: Path) -> None:
    done = _invoke(_graph(tmp_path, ["yes"]), {})
    assert (done["pass_rate"], done["episodes"][0]["answer"]["text"]) == (1.0, "yes")


@pytest.mark.parametrize("name", ["..", "../elsewhere", "/etc", "a/b"])
def test_a_thread_leads_to_no_folder_elsewhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="no name of a run folder"):
        _invoke(_graph(tmp_path, ["yes"]), Command(update={"run": name}, goto="work"))


def test_an_object_answers_in_python(tmp_path: Path) -> None:
    class Stops:
        async def ask(self, question: Question, gate: Gate) -> PersonAnswer:
            return PersonAnswer(choice="stop")

    result = loopwright.run(
        _task(ask_person=["decision"]),
        model=Scripted(["no"], cycle=True),
        environment=Word,
        project=tmp_path,
        out=tmp_path / "out",
        person=Stops(),
    )
    assert result.episodes[0].stop_reason == "person"
