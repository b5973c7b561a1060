from __future__ import annotations

from pathlib import Path

import pytest

from loopwright import RunConfig
from loopwright.agents import Attempt, Memory, MemoryTurn, cut_to, latest, tokens_of
from loopwright.candidate import Candidate
from loopwright.errors import ModelRejected, TaskError
from loopwright.models import Reply, Request
from loopwright.plan import resolve_run
from loopwright.runner import fork_run
from loopwright.session._memory import SessionMemory, turns_of
from loopwright.task import MemoryOptions
from tests.session.sums import Sums, events, freeze, play, task

SESSION = {"memory": {"turns": 3, "tokens": 200}}


def turn(at: int, said: str = "a") -> MemoryTurn:
    return MemoryTurn(id=f"e/{at}", goal=f"goal {at}", said=said)


def test_each_episode_sees_the_latest_turns_before_its_goal(tmp_path: Path) -> None:
    model = Sums()
    play(tmp_path, task(6, session=SESSION), model)
    assert [prompt.count("Answer:") for prompt in model.prompts] == [0, 1, 2, 3, 1, 2]
    assert model.prompts[0] == "What is 0 + 0?"
    last = model.prompts[5]
    assert last == (
        "Earlier in this session:\n\nTask: What is 21 + 2?\nAnswer: 23\nResult: passed\n\n"
        "Task: What is 5 + 13?\nAnswer: 18\nResult: passed\n\nNow:\nWhat is 12 + 24?"
    )


def test_episodes_of_a_session_do_not_overlap_and_repeats_are_sessions_of_their_own(tmp_path: Path) -> None:
    model = Sums(delay=0.001)
    play(tmp_path, task(4, session=SESSION, repeats=2), model)
    under_way: set[tuple[str, str]] = set()
    for event in events(tmp_path, "episode_started", "episode_finished"):
        repeat = (event.episode or "").rpartition(":")[2]
        if event.data.type == "episode_started":
            assert not [other for other, _ in under_way if other == repeat]
            under_way.add((repeat, event.episode or ""))
        else:
            under_way.remove((repeat, event.episode or ""))
    assert sorted(prompt.count("Answer:") for prompt in model.prompts) == [0, 0, 1, 1, 2, 2, 3, 3]


def test_without_the_sections_nothing_is_different(tmp_path: Path) -> None:
    model = Sums()
    play(tmp_path, task(3), model)
    assert all("Answer:" not in prompt for prompt in model.prompts)
    kinds = [event.data.type for event in events(tmp_path)]
    one = [
        "episode_started",
        "call_intended",
        "call_finished",
        "proposed",
        "observed",
        "judged",
        "decided",
        "graded",
        "episode_finished",
    ]
    assert sorted(kinds) == sorted(["run_started", *one * 3, "run_finished"])
    assert "session" not in task(3).model_dump(exclude_defaults=True)


def test_a_section_that_is_not_there_does_not_change_what_a_task_is() -> None:
    assert task(1).digest == task(1, session=None, drift=None).digest != task(1, session={}).digest


def test_a_session_cannot_be_forked_and_a_changed_baseline_is_seen(tmp_path: Path) -> None:
    name = freeze(tmp_path)
    wanted = task(3, session=SESSION, drift={"baseline": name})
    config = RunConfig(tasks=(wanted,), project=tmp_path)
    play(tmp_path, wanted, Sums())
    with pytest.raises(TaskError, match="is a session"):
        fork_run(tmp_path / "run", tmp_path / "new", config=config, at=1)
    before = resolve_run(config).fingerprints[f"baseline {name}"]
    (tmp_path / name).write_text("{}")
    assert resolve_run(config).fingerprints[f"baseline {name}"] != before


def test_memory_is_bounded_whatever_is_said(tmp_path: Path) -> None:
    options = MemoryOptions(turns=50, tokens=300)
    recall = SessionMemory(options)
    for at in range(80):
        recall.add([turn(at, "word " * (at % 40))])
        assert recall.memory().tokens <= 300
    recall.consolidate("s" * 5000, 5, "d")
    assert recall.memory().tokens <= 300
    assert recall.memory(examples=[turn(1, "x" * 4000)]).tokens <= 300


def test_consolidation_leaves_a_summary_and_the_latest_turns_and_new_ones_follow() -> None:
    recall = SessionMemory(MemoryOptions(turns=4, tokens=1000))
    for at in range(10):
        recall.add([turn(at)])
    assert [one.id for one in recall.memory().turns] == ["e/6", "e/7", "e/8", "e/9"]
    recall.consolidate("notes", 2, "d")
    assert recall.memory().summary == "notes"
    assert [one.id for one in recall.memory().turns] == ["e/8", "e/9"]
    recall.add([turn(10)])
    assert [one.id for one in recall.memory().turns] == ["e/8", "e/9", "e/10"]
    recall.clear()
    assert recall.memory() == Memory()


def test_no_room_is_no_memory() -> None:
    recall = SessionMemory(MemoryOptions(turns=0, tokens=0))
    recall.add([turn(1)])
    assert recall.memory() == Memory()


def test_a_reply_without_a_candidate_is_remembered_as_such() -> None:
    failed = Attempt(iteration=0, problem="the reply holds no code")
    files = Attempt(iteration=1, candidate=Candidate(files={"a.py": "x = 1\n"}))
    assert [one.said for one in turns_of("e", "g", [failed, files])] == ["(the reply holds no code)", "a.py:\nx = 1"]


@pytest.mark.parametrize("text", ["", "word " * 100, "ü" * 99, "\ud800" * 9])
def test_a_text_is_cut_to_what_it_may_count(text: str) -> None:
    for tokens in (0, 1, 5, 1000):
        assert tokens_of(cut_to(text, tokens)) <= tokens
    assert cut_to(text, 10_000) == text


def test_the_latest_turns_that_fit_are_kept_in_order() -> None:
    turns = [turn(at, "x" * 30) for at in range(5)]
    size = turns[0].tokens
    assert latest(turns, 2 * size) == tuple(turns[3:])
    assert latest(turns, size - 1) == ()


def test_an_episode_that_infrastructure_failed_is_tried_again_with_the_memory_of_then(tmp_path: Path) -> None:
    class Failing(Sums):
        """Refuses the second goal once."""

        async def complete(self, request: Request) -> Reply:
            if request.messages[-1].content.endswith("What is 7 + 11?") and not (tmp_path / "mended").exists():
                raise ModelRejected("out of order")
            return await super().complete(request)

    wanted = task(5, session={"memory": {"turns": 9}}, drift={"first": 200})
    first = Failing()
    result = play(tmp_path, wanted, first)
    assert [episode.scored for episode in result] == [True, False, True, True, True]
    assert [prompt.count("Answer:") for prompt in first.prompts] == [0, 1, 2, 3]
    (tmp_path / "mended").touch()
    second = Failing()
    assert play(tmp_path, wanted, second).pass_rate == 1.0
    assert [prompt.count("Answer:") for prompt in second.prompts] == [4]
    third = Failing()
    play(tmp_path, wanted, third)
    assert third.prompts == []
