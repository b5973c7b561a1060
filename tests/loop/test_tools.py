"""Acting by tools and acting in text are the same episode: actions, observations, verdicts, grade."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import loopwright
from loopwright import EpisodeResult, Task
from loopwright.bench import SUITES
from loopwright.environments import EnvironmentSetup
from loopwright.errors import ModelUnauthorized
from loopwright.models import Endpoint, FunctionCall, Reply, Scripted
from loopwright.record import EpisodeRecord, RunReader
from loopwright.store import CallFinished, Event, read_run
from loopwright.task import Instance
from loopwright.types import Candidate, Check, Observation, Verdict
from tests.models import claude, google
from tests.models.provider import Answer, Provider, body, completion, fault, reply

ACTIONS = {"place": "a stack calculator", "fence": "forth", "noun": "line of Forth"}


class Stack:
    """A calculator: numbers are pushed, `+` adds the upper two."""

    def __init__(self, setup: EnvironmentSetup) -> None:
        self.numbers: list[int] = []

    async def reset(self, instance: Instance) -> Observation:
        self.numbers = []
        return Observation(text="The stack is empty.")

    async def step(self, action: Candidate) -> Observation:
        words = action.text.replace("```forth", " ").replace("```", " ").split()
        if "submit" in words:
            return Observation(text="submitted", done=True)
        for word in words:
            if word.isdigit():
                self.numbers.append(int(word))
            elif word == "+":
                self.numbers.append(self.numbers.pop() + self.numbers.pop())
        return Observation(text=str(self.numbers))

    async def submit(self, answer: Candidate) -> Verdict:
        return Verdict(checks=(Check(name="sum", score=float(self.numbers == [5])),))

    async def close(self) -> None:
        pass


def task(strategy: str, **loop: Any) -> Task:
    return Task.model_validate(
        {
            "name": "five",
            "goal": "Leave 5 on the stack.",
            "environment": {"name": "stack", "kind": "stack", "actions": ACTIONS, "hidden": {"any": 1}},
            "agents": {"proposer": "actor"},
            "loop": {"strategy": strategy, "max_iterations": 4, "repetition": None, **loop},
        }
    )


def call(name: str, id_: str = "call_1", **arguments: str) -> FunctionCall:
    return FunctionCall(id=id_, name=name, arguments=json.dumps(arguments))


def calls(*made: FunctionCall, text: str = "", **fields: Any) -> Reply:
    return Reply(text=text, model="m", tool_calls=made, **fields)


def run(folder: Path, strategy: str, items: Sequence[str | Reply], **loop: Any) -> tuple[EpisodeResult, Scripted]:
    model = Scripted(items)
    [episode] = loopwright.run(task(strategy, **loop), model=model, environment=Stack, out=folder)
    return episode, model


def recorded(folder: Path) -> EpisodeRecord:
    [episode] = RunReader().read(read_run(folder).events)
    return episode


def keys(folder: Path) -> list[str]:
    """Of calls that were answered."""
    finished = [event.data for event in read_run(folder).events if isinstance(event.data, CallFinished)]
    return [call.key for call in finished if call.failure is None]


def steps(folder: Path) -> list[dict[str, Any]]:
    """The actions, and all that came of them."""
    kinds = ("proposed", "observed", "judged", "decided", "graded")
    found: list[Event] = [event for event in read_run(folder).events if event.data.type in kinds]
    return [event.data.model_dump(exclude={"message", "seconds"}) for event in found]


TEXT = {"execute": "```forth\n{}\n```", "submit": "```forth\nsubmit\n```"}


@pytest.mark.parametrize("strategy", ["react", "try_again_blind", "try_again"])
def test_the_record_is_the_same_whichever_way_the_model_speaks(strategy: str, tmp_path: Path) -> None:
    actions = ["2 3", "+"]
    in_text: list[str | Reply] = [TEXT["execute"].format(action) for action in actions]
    by_tool: list[str | Reply] = [calls(call("execute", command=action), text="I add.") for action in actions]
    if strategy != "try_again":
        in_text.append(TEXT["submit"])
        by_tool.append(calls(call("submit")))
    first, _ = run(tmp_path / "text", strategy, in_text)
    second, model = run(tmp_path / "tools", strategy, by_tool)
    assert [first.score, second.score] == [1, 1]
    assert steps(tmp_path / "text") == steps(tmp_path / "tools")
    assert all(request.tools for request in model.requests)


def test_a_plan_is_made_in_text_and_its_steps_are_taken_by_tool(tmp_path: Path) -> None:
    plan = "1. Push 2 and 3.\n2. Add."
    done = [calls(call("execute", command="2 3")), calls(call("execute", command="+"))]
    result, model = run(tmp_path / "run", "plan_and_solve", [plan, *done])
    assert result.score == 1
    assert [bool(request.tools) for request in model.requests] == [False, True, True]
    assert [message.role for message in model.requests[2].messages] == ["system", "user", "assistant", "tool"]
    assert model.requests[2].messages[-1].content == "[2, 3]\n\nCarry out this step now: Add."


def test_what_a_model_is_offered_comes_from_the_description_of_the_environment(tmp_path: Path) -> None:
    _, model = run(tmp_path / "run", "react", [calls(call("submit"))])
    execute, submit = model.requests[0].tools
    assert execute.description == "Executes one line of Forth in a stack calculator and returns its output."
    assert list(execute.parameters["properties"]) == execute.parameters["required"] == ["command"]
    assert (submit.name, submit.parameters["properties"]) == ("submit", {})
    _, model = run(tmp_path / "again", "try_again", [calls(call("execute", command="5"))])
    assert [tool.name for tool in model.requests[0].tools] == ["execute"]


def test_a_conversation_goes_on_as_the_provider_sent_it(tmp_path: Path) -> None:
    carried = ({"type": "reasoning", "encrypted_content": "abc"},)
    first = calls(call("execute", "a", command="2 3"), call("execute", "b", command="+"), carried=carried)
    items = [first, calls(call("execute", command="+")), calls(call("submit"))]
    result, model = run(tmp_path / "run", "react", items)
    assert result.score == 1
    said, one, other = model.requests[1].messages[2:]
    assert (said.tool_calls, said.carried) == (first.tool_calls, carried)
    assert (one.call_id, one.content) == ("a", "[2, 3]")
    assert other.call_id == "b"
    assert other.content.startswith("Not executed")


MALFORMED = {
    "no call": Reply(text="I would push 5.", model="m"),
    "no JSON": calls(FunctionCall(id="1", name="execute", arguments='{"command": "5')),
    "an unknown tool": calls(call("rm", command="5")),
    "a missing argument": calls(call("execute", text="5")),
    "an argument that is no text": calls(FunctionCall(id="1", name="execute", arguments='{"command": 5}')),
    "an empty argument": calls(call("execute", command=" ")),
    "a good call after a bad one": calls(call("rm"), call("execute", "2", command="5")),
    "nothing": Reply(text="", model="m"),
}


@pytest.mark.parametrize("bad", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_call_is_repaired_once(bad: Reply, tmp_path: Path) -> None:
    result, model = run(tmp_path / "run", "react", [bad, calls(call("execute", command="5")), calls(call("submit"))])
    assert (result.score, len(result.attempts)) == (1, 2)
    said, told = model.requests[1].messages[2:]
    assert (said.role, told.role, said.tool_calls) == ("assistant", "user", ())
    assert "Nothing was executed" in told.content
    assert len(model.requests[2].messages) == 4


@pytest.mark.parametrize("bad", MALFORMED.values(), ids=MALFORMED)
def test_then_it_is_an_action_that_the_agent_did_not_take(bad: Reply, tmp_path: Path) -> None:
    items = [bad, bad, calls(call("execute", command="5")), calls(call("submit"))]
    result, model = run(tmp_path / "run", "react", items)
    assert result.score == 1
    failed = recorded(tmp_path / "run").iterations[0]
    assert failed.proposed is not None
    assert (failed.proposed.candidate, failed.proposed.problem != "") == (None, True)
    assert model.requests[2].messages[2].content.startswith("Your last reply held no action")


def test_an_agent_that_never_calls_a_tool_stops_nobody_else(tmp_path: Path) -> None:
    silent = MALFORMED["no call"]
    result, _ = run(tmp_path / "run", "react", [silent] * 8)
    assert result.score == 0


def test_text_beside_a_call_is_not_executed(tmp_path: Path) -> None:
    said = calls(call("execute", command="5"), text="```forth\n7\n```")
    result, _ = run(tmp_path / "run", "react", [said, calls(call("submit"))])
    assert result.score == 1


@pytest.mark.parametrize("said", ["```forth\n5\n```", "I push it.\n\n```Forth\n5\n```\nDone."])
def test_text_with_one_action_is_read_where_no_tool_is_called(said: str, tmp_path: Path) -> None:
    result, model = run(tmp_path / "run", "react", [Reply(text=said, model="m"), calls(call("submit"))])
    assert (result.score, len(model.requests)) == (1, 2)
    assert [message.role for message in model.requests[1].messages][2:] == ["assistant", "user"]
    assert "[5]" in model.requests[1].messages[3].content
    run(tmp_path / "text", "react", [said, "```forth\nsubmit\n```"])
    assert steps(tmp_path / "run") == steps(tmp_path / "text")


@pytest.mark.parametrize(
    "said",
    [
        "```forth\n7\n```\nor\n```forth\n8\n```",
        '```json\n{"name": "execute", "arguments": {"command": "7"}}\n```',
        "```\n7\n```",
        "```forth\n7",
        "`7`",
    ],
)
def test_other_text_is_no_action(said: str, tmp_path: Path) -> None:
    items = [Reply(text=said, model="m"), calls(call("execute", command="5")), calls(call("submit"))]
    result, model = run(tmp_path / "run", "react", items)
    assert (result.score, len(result.attempts)) == (1, 2)
    assert "Nothing was executed" in model.requests[1].messages[-1].content


def test_an_episode_whose_model_calls_no_tool_twice_is_asked_in_text_also_when_it_is_resumed(tmp_path: Path) -> None:
    silent = MALFORMED["no call"]
    last = calls(call("submit"))  # never asked for; it makes a script one that takes tools
    first = Scripted([*[silent] * 4, ModelUnauthorized("the key is refused"), last])
    loopwright.run(task("react"), model=first, environment=Stack, out=tmp_path / "run")
    assert [bool(request.tools) for request in first.requests] == [True] * 4 + [False]
    second = Scripted(["```forth\n5\n```", "```forth\nsubmit\n```", last])
    [episode] = loopwright.resume(tmp_path / "run", model=second, environment=Stack)
    assert episode.score == 1
    assert second.requests[0] == first.requests[4]


def test_a_task_can_ask_in_text_and_the_published_suites_do(tmp_path: Path) -> None:
    items: list[str | Reply] = ["```forth\n5\n```", calls(call("submit")), "```forth\nsubmit\n```"]
    _, model = run(tmp_path / "run", "react", items, tools="never")
    assert not any(request.tools for request in model.requests)
    assert {name for name, suite in SUITES.items() if suite.loop.get("tools") == "never"} >= {
        "intercode-bash",
        "intercode-sql",
        "intercode-python",
        "intercode-ctf",
    }


def served(folder: Path, *answers: Answer, **settings: Any) -> tuple[EpisodeResult, list[dict[str, Any]]]:
    async def go() -> tuple[EpisodeResult, list[dict[str, Any]]]:
        async with Provider(*answers) as provider:
            endpoint = Endpoint(base_url=provider.base_url, timeout=30, **settings)
            [episode] = await loopwright.arun(
                task("react"), model="mine/m", endpoints={"mine": endpoint}, environment=Stack, out=folder
            )
            return episode, [received.body for received in provider.requests]

    return asyncio.run(go())


def answer(name: str, **arguments: str) -> Answer:
    made = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
    message = {"role": "assistant", "content": None, "tool_calls": [made]}
    return body(200, json.dumps(completion(choices=[{"message": message, "finish_reason": "tool_calls"}])).encode())


def test_a_server_is_offered_tools(tmp_path: Path) -> None:
    result, bodies = served(tmp_path / "run", answer("execute", command="5"), answer("submit"))
    assert result.score == 1
    assert [[tool["function"]["name"] for tool in one["tools"]] for one in bodies] == [["execute", "submit"]] * 2
    assert [message["role"] for message in bodies[1]["messages"]] == ["system", "user", "assistant", "tool"]
    assert bodies[1]["messages"][2]["tool_calls"][0]["function"] == {"name": "execute", "arguments": '{"command": "5"}'}


def test_claude_acts_by_tools_and_gets_its_thoughts_back(tmp_path: Path) -> None:
    thought = claude.thinking("Push it.")
    first = claude.message(thought, claude.tool_use("t1", "execute", command="5"), stop="tool_use")
    second = claude.message(claude.tool_use("t2", "submit"), stop="tool_use")
    result, bodies = served(tmp_path / "run", claude.whole(first), claude.whole(second), api="anthropic")
    assert result.score == 1
    said, told = bodies[1]["messages"][1:]
    assert [block["type"] for block in said["content"]] == ["thinking", "tool_use"]
    assert (told["role"], told["content"][0]["tool_use_id"]) == ("user", "t1")


def test_each_call_of_claude_gets_a_result_whatever_it_asks_for(tmp_path: Path) -> None:
    made = (claude.tool_use("t1", "execute", command="5"), claude.tool_use("t2", "nonsense"))
    answers = (claude.message(*made, stop="tool_use"), claude.message(claude.tool_use("t3", "submit"), stop="tool_use"))
    result, bodies = served(tmp_path / "run", *map(claude.whole, answers), api="anthropic")
    assert result.score == 1
    said, told = bodies[1]["messages"][1:]
    assert [block["id"] for block in said["content"]] == ["t1", "t2"]
    assert [block["tool_use_id"] for block in told["content"]] == ["t1", "t2"]
    assert "Not executed" in json.dumps(told["content"][1])


def test_thoughts_go_back_to_claude_although_a_further_call_cannot_be_read(tmp_path: Path) -> None:
    broken = {**claude.tool_use("t2", "execute"), "input": '{"command": "6'}
    made = (claude.thinking("Push it."), claude.tool_use("t1", "execute", command="5"), broken)
    answers = (claude.message(*made, stop="tool_use"), claude.message(claude.tool_use("t3", "submit"), stop="tool_use"))
    result, bodies = served(tmp_path / "run", *map(claude.whole, answers), api="anthropic")
    assert result.score == 1
    said, told = bodies[1]["messages"][1:]
    assert [block["type"] for block in said["content"]] == ["thinking", "tool_use", "tool_use"]
    assert said["content"][2]["input"] == {}
    assert [block["tool_use_id"] for block in told["content"]] == ["t1", "t2"]
    assert "Not executed" in json.dumps(told["content"][1])


def test_gemini_acts_by_tools_and_gets_its_signatures_back(tmp_path: Path) -> None:
    made = {**google.function_call("execute", command="5"), "thoughtSignature": "c2lnbmVk"}
    answers = (google.whole(google.response(made)), google.whole(google.response(google.function_call("submit"))))
    result, bodies = served(tmp_path / "run", *answers, api="gemini")
    assert result.score == 1
    said, told = bodies[1]["contents"][1:]
    assert said["parts"][0]["thoughtSignature"] == "c2lnbmVk"
    assert told["parts"][0]["functionResponse"]["name"] == "execute"


def test_a_server_that_refuses_tools_is_asked_in_text_after_one_lost_call_and_that_is_told(tmp_path: Path) -> None:
    refusal = fault(400, "registry.ollama.ai/library/gemma:2b does not support tools")
    answers = (refusal, reply("```forth\n5\n```"), reply("```forth\nsubmit\n```"))
    result, bodies = served(tmp_path / "run", *answers)
    assert result.score == 1
    assert ["tools" in one for one in bodies] == [True, False, False]
    assert "```forth code block" in bodies[1]["messages"][0]["content"]
    assert recorded(tmp_path / "run").spent.left_out >= {"tools"}


def test_what_is_asked_in_text_has_one_seed_whoever_met_the_refusal(tmp_path: Path) -> None:
    refusal = fault(400, "registry.ollama.ai/library/gemma:2b does not support tools")
    _, met = served(tmp_path / "met", refusal, reply("```forth\nsubmit\n```"))
    _, never = served(tmp_path / "never", reply("```forth\nsubmit\n```"), tools="never")
    assert met[1]["seed"] == never[0]["seed"]
    texts = [call for call in keys(tmp_path / "met") if call in keys(tmp_path / "never")]
    assert len(texts) == 1


def test_an_endpoint_can_forbid_tools(tmp_path: Path) -> None:
    _, bodies = served(tmp_path / "run", reply("```forth\nsubmit\n```"), tools="never")
    assert ["tools" in one for one in bodies] == [False]


def test_a_resumed_episode_goes_on_with_its_conversation(tmp_path: Path) -> None:
    """The reply that called a tool is in the record, so that the next request can tell it again."""
    first = Scripted([calls(call("execute", command="5")), ModelUnauthorized("the key is refused")])
    loopwright.run(task("react"), model=first, environment=Stack, out=tmp_path / "run")
    second = Scripted([calls(call("submit"))])
    [episode] = loopwright.resume(tmp_path / "run", model=second, environment=Stack)
    assert episode.score == 1
    assert second.requests[0].messages == first.requests[1].messages
    assert second.requests[0].messages[2].tool_calls == (call("execute", command="5"),)
