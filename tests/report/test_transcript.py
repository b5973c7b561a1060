"""Prompts and replies in the page: whole, and each line once."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from loopwright.models import Message, Reply, Request
from loopwright.report import render_html
from loopwright.report._transcript import SharedLines
from loopwright.store import CallFinished, CallIntended
from loopwright.types import FunctionCall, Tool
from tests.report.builder import SYSTEM, RunBuilder, Turn
from tests.report.test_html import Outline


def text_of(lines: list[str], runs: list[int]) -> str:
    """As the page's script puts a text together."""
    pairs = zip(runs[::2], runs[1::2], strict=True)
    return "\n".join(line for start, count in pairs for line in lines[start : start + count])


@given(st.lists(st.lists(st.sampled_from(["", "a", "b", " c", "d\r"])).map("\n".join) | st.text()))
def test_texts_come_back_whole_and_each_line_is_held_once(texts: list[str]) -> None:
    shared = SharedLines()
    places = [shared.add(text) for text in texts]
    assert [text_of(shared.lines, runs) for runs in places] == texts
    assert len(shared.lines) == len(set(shared.lines))


def test_a_prompt_that_repeats_the_last_one_costs_the_page_a_few_numbers(tmp_path: Path) -> None:
    long = "\n".join(f"line {number} of the task" for number in range(2_000))
    sizes = []
    for iterations in (1, 20):
        run = RunBuilder(tmp_path / str(iterations))
        run.episode([Turn(0.5, prompt=f"{long}\nattempt {n}", parent=n - 1 if n else None) for n in range(iterations)])
        sizes.append(len(render_html(run.close())))
    assert sizes[1] - sizes[0] < len(long)


def test_the_page_holds_what_was_asked_and_what_came_back(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run")
    run.episode([Turn(0.5, prompt="Add.\n\nQuickly.", reply="Added.", reasoning="One and one.", left_out=("seed",))])
    details = Outline(render_html(run.close())).block("e0")
    (call,) = details["iterations"][0]["transcript"]
    assert [(one["role"], text_of(details["lines"], one["text"])) for one in call["messages"]] == [
        ("system", SYSTEM),
        ("user", "Add.\n\nQuickly."),
    ]
    reply = call["reply"]
    assert text_of(details["lines"], reply["text"]) == "Added."
    assert text_of(details["lines"], reply["reasoning"]) == "One and one."
    assert (call["role"], call["sampling"], reply["left_out"]) == ("proposer", {"temperature": 0.7}, ["seed"])
    assert reply["usage"] == {"input": 500, "cache_read": 0, "cache_write": 0, "output": 100}
    assert json.dumps(details).count("Quickly.") == 1


def test_calls_of_tools_are_shown_where_they_were_made_and_where_they_are_told_again(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run")
    name = run.episode([], finish=False)
    asked = Request(
        model="scripted/one",
        messages=(
            Message(role="assistant", content="", tool_calls=(FunctionCall(id="1", name="look", arguments="{}"),)),
            Message(role="tool", content="nothing", call_id="1"),
        ),
        tools=(Tool(name="look", description="Look.", parameters={"type": "object"}),),
    )
    reply = Reply(text="", model="one", tool_calls=(FunctionCall(id="2", name="look", arguments='{"at": "x"}'),))
    intent = CallIntended(key="k", kind="model", repeatable=True, request=asked.model_dump(mode="json"))
    run.append(intent, episode=name, iteration=0, node="propose")
    done = CallFinished(key="k", kind="model", result=reply.model_dump(mode="json"))
    run.append(done, episode=name, iteration=0, node="propose")
    details = Outline(render_html(run.close())).block("e0")
    # The loop came to no iteration; the call is told all the same.
    assert details["iterations"] == []
    (call,) = details["aside"]
    assert call["tools"] == ["look"]
    assert [one["name"] for one in call["messages"][0]["calls"]] == ["look"]
    (again,) = call["reply"]["calls"]
    assert text_of(details["lines"], again["arguments"]) == '{"at": "x"}'


def test_a_page_without_room_leaves_model_calls_out_and_says_so(tmp_path: Path) -> None:
    run = RunBuilder(tmp_path / "run")
    for instance in "12":
        run.episode([Turn(0.5, prompt="Add it.")], instance=instance)
    outline = Outline(render_html(run.close(), room=100))
    first, second = outline.block("e0"), outline.block("e1")
    assert (first["without_calls"], len(first["iterations"][0]["transcript"])) == (False, 1)
    assert (second["without_calls"], second["iterations"][0]["transcript"], second["lines"]) == (True, [], [])
    assert second["iterations"][0]["calls"] == 1, "that there was one is told"
