"""A task of pictures from end to end: the painter draws, pixels or a vision model judge."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import loopwright
from loopwright.errors import TaskError
from loopwright.images import ImageRefiner, PixelVerifier, VisionVerifier
from loopwright.images.shapes import measure, open_painter
from loopwright.models import ModelOptions, Reply, Request, TokenLogprobs
from loopwright.runner import EpisodeResult
from loopwright.store import read_run
from loopwright.task import Task

GOAL = "two red circles left of a blue square and a large star"


class Painter:
    """The painter as an object: it learns where the pictures of a run are when the run begins."""

    def __init__(self, rates: str = "default") -> None:
        self.name, self.repeatable, self.rates, self.calls = f"painter/{rates}", True, rates, 0
        self.options = ModelOptions()

    def connect(self, options: ModelOptions) -> None:
        self.options = options

    async def generate(self, request: Any) -> Any:
        self.calls += 1
        return await open_painter(self.rates, self.options).generate(request)

    async def edit(self, request: Any) -> Any:
        self.calls += 1
        return await open_painter(self.rates, self.options).edit(request)

    async def close(self) -> None:
        return


def task(goal: str = GOAL, environment: dict[str, Any] | None = None, **loop: Any) -> Task:
    return Task.model_validate(
        {
            "name": "picture",
            "goal": goal,
            "environment": {"name": "images", **(environment or {})},
            "loop": {"strategy": "streams", "max_iterations": 8, **loop},
            "budget": {"images": 8},
        }
    )


def run(tmp_path: Path, wanted: Task, painter: Painter | None = None, **options: Any) -> EpisodeResult:
    painter = painter or Painter()
    parts: dict[str, Any] = {
        "proposer": ImageRefiner,
        "verifier": PixelVerifier,
        "auditor": PixelVerifier,
        "generator": painter,
        "editor": painter,
        **options,
    }
    return loopwright.run(wanted, out=tmp_path / "run", **parts).episodes[0]


def test_a_picture_is_edited_until_its_checklist_holds(tmp_path: Path) -> None:
    episode = run(tmp_path, task())
    assert episode.passed
    assert episode.answer is not None
    scene = measure(read_run(tmp_path / "run").get(episode.answer.artifacts["picture"]))
    assert sum(item.shape == "circle" and item.colour == "red" for item in scene.objects) == 2
    assert episode.images == len(episode.attempts) <= 8
    assert [check.name for check in episode.attempts[0].verdict.checks][:3] == [
        "circle",
        "circle count",
        "circle colour",
    ]


@pytest.mark.parametrize("strategy", ["best_of_n", "ircig", "single"])
def test_other_strategies_draw_too(strategy: str, tmp_path: Path) -> None:
    episode = run(tmp_path, task(strategy=strategy))
    assert episode.scored
    assert 1 <= (episode.images or 0) <= 8


def test_an_exact_painter_needs_one_picture(tmp_path: Path) -> None:
    painter = Painter("exact")
    assert run(tmp_path, task(), painter).passed
    assert painter.calls == 1


def test_an_edit_that_did_harm_is_rolled_back(tmp_path: Path) -> None:
    painter = Painter("omit=1,fail=0,damage=1")
    episode = run(tmp_path, task(goal="a red circle, a blue square and a green star"), painter)
    scores = {attempt.iteration: attempt.verdict.score for attempt in episode.attempts}
    edits = [attempt for attempt in episode.attempts if attempt.parent is not None]
    assert all(scores[attempt.parent or 0] <= max(scores.values()) for attempt in edits)
    assert episode.score == max(scores.values())


def test_the_same_seed_gives_the_same_pictures(tmp_path: Path) -> None:
    first = run(tmp_path / "a", task())
    again = run(tmp_path / "b", task())
    assert [one.candidate for one in first.attempts] == [one.candidate for one in again.attempts]


class Seer:
    """A vision model that looks by measuring, and says it as it is told to."""

    name, repeatable = "seer/exact", True

    def __init__(self, say: str = "") -> None:
        self.say = say
        self.asked: list[str] = []
        self.shown: list[int] = []
        """Pictures in each request."""

    async def complete(self, request: Request) -> Reply:
        await asyncio.sleep(0)
        asked = next(message for message in request.messages if message.images)
        self.asked.append(asked.content)
        self.shown.append(len(asked.images))
        questions = asked.content.partition("Questions about")[2].partition("Answer each")[0]
        ids = [line[2:].partition(":")[0] for line in questions.splitlines() if line.startswith("- ")]
        answers = ", ".join(f'{{"id": "{name}", "answer": "yes"}}' for name in ids)
        return Reply(text=self.say or f'{{"answers": [{answers}]}}', model="seer")

    async def close(self) -> None:
        return


def seen_by(tmp_path: Path, seer: Seer, wanted: Task | None = None) -> EpisodeResult:
    return run(tmp_path, wanted or task(max_iterations=1), verifier=VisionVerifier, auditor=None, model=seer)


def test_a_vision_model_is_shown_the_picture_and_asked_again_before_it_passes(tmp_path: Path) -> None:
    seer = Seer()
    episode = seen_by(tmp_path, seer, task(goal="a red circle and a blue square", max_iterations=1))
    assert episode.passed
    assert len(seer.asked) == 2
    assert "Look once more" in seer.asked[1]


class Unsure(Seer):
    """It says "yes", and its log-probabilities say how sure it is of the star."""

    gives_logprobs = True

    def __init__(self, star: float) -> None:
        super().__init__()
        self.star = star
        self.wanted: list[int] = []

    async def complete(self, request: Request) -> Reply:
        reply = await super().complete(request)
        self.wanted.append(request.top_logprobs)
        tokens: list[TokenLogprobs] = []
        for piece in re.findall(r"yes|(?:(?!yes).)+", reply.text):
            yes = self.star if tokens and '"star"' in tokens[-1].token else 0.99
            top = {"yes": math.log(yes), "no": math.log(1 - yes)} if piece == "yes" else {}
            tokens.append(TokenLogprobs(token=piece, top=top))
        return reply.model_copy(update={"logprobs": tuple(tokens)})


@pytest.mark.parametrize(("star", "asked"), [(0.99, 2), (0.55, 0)])
def test_an_answer_that_its_log_probabilities_doubt_is_no_vote(star: float, asked: int, tmp_path: Path) -> None:
    seer = Unsure(star)
    episode = seen_by(tmp_path, seer, task(goal="a red circle and a star", max_iterations=1))
    checks = {check.name: check for check in episode.attempts[0].verdict.checks}
    assert set(seer.wanted) == {5}
    assert (checks["star"].data or {})["asked"] == asked
    assert checks["star"].confidence == pytest.approx(star)
    assert checks["star"].passed == (asked > 0)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("It is a lovely picture.", "gave no answers"),
        ('{"answers": [{"id": "zebra", "answer": "yes"}]}', "answered none of the"),
        ('{"answers": "yes"}', "gave no answers"),
    ],
)
def test_a_reply_that_is_no_answer_is_no_score(said: str, told: str, tmp_path: Path) -> None:
    episode = seen_by(tmp_path, Seer(said))
    assert not episode.scored
    assert episode.outcome is not None
    assert episode.outcome.failure is not None
    assert told in episode.outcome.failure.message


@pytest.mark.parametrize(
    ("side", "taken"), [("1", True), *((side, False) for side in ["9" * 400, "1e400", "-1", "NaN", "true"])]
)
def test_a_box_of_no_picture_is_left_out(side: str, taken: bool, tmp_path: Path) -> None:
    seer = Seer(f'{{"answers": [{{"id": "circle", "answer": "yes", "box": [0, 0, 0.2, {side}]}}]}}')
    episode = seen_by(tmp_path, seer)
    assert next(check for check in episode.attempts[0].verdict.checks if check.name == "circle").passed
    assert max(seer.shown) == (2 if taken else 1)  # What a box holds is shown enlarged in the next look.


class Told(Seer):
    """It answers each question as it is told to."""

    def __init__(self, tell: Callable[[list[str]], Any]) -> None:
        super().__init__()
        self.tell = tell

    async def complete(self, request: Request) -> Reply:
        reply = await super().complete(request)
        ids = [one["id"] for one in json.loads(reply.text)["answers"]]
        return reply.model_copy(update={"text": json.dumps({"answers": self.tell(ids)})})


@pytest.mark.parametrize(
    "more",
    [
        {"answer": "Yes, there is clearly such a thing to be seen, right in the middle of the picture."},
        {"confidence": 95},
        {"confidence": "95%"},
        {"confidence": "high"},
        {"confidence": None},
        {"seen": None},
        {"seen": ["a thing", "another"]},
        {"id": "`{}`"},
        {"id": "{}:"},
    ],
)
def test_answers_in_the_forms_of_models_are_read(more: dict[str, Any], tmp_path: Path) -> None:
    def tell(ids: list[str]) -> Any:
        return [{"answer": "yes", **more, "id": str(more.get("id", "{}")).format(name)} for name in ids]

    assert seen_by(tmp_path, Told(tell), task(goal="a red circle", max_iterations=1)).passed


def test_answers_under_their_ids_are_read(tmp_path: Path) -> None:
    seer = Told(lambda ids: {name: "yes" if name == ids[0] else {"answer": "yes"} for name in ids})
    assert seen_by(tmp_path, seer, task(goal="a red circle", max_iterations=1)).passed


@pytest.mark.parametrize("said", [["no", "yes"], ["yes", "no"], ["yes", "no", "yes"]])
def test_a_question_that_is_answered_in_two_ways_is_in_doubt(said: list[str], tmp_path: Path) -> None:
    seer = Told(lambda ids: [{"id": name, "answer": answer} for answer in said for name in ids])
    episode = seen_by(tmp_path, seer, task(goal="a red circle", max_iterations=1))
    assert episode.scored
    assert not any(check.passed for check in episode.attempts[0].verdict.checks)


@pytest.mark.parametrize("confidence", ["very", -1, 101, [1]])
def test_a_confidence_that_cannot_be_meant_is_no_score(confidence: Any, tmp_path: Path) -> None:
    seer = Told(lambda ids: [{"id": name, "answer": "yes", "confidence": confidence} for name in ids])
    assert not seen_by(tmp_path, seer, task(goal="a red circle", max_iterations=1)).scored


def test_half_a_schema_leaves_the_other_atoms_unknown(tmp_path: Path) -> None:
    episode = seen_by(tmp_path, Seer('{"answers": [{"id": "circle", "answer": "Yes."}]}'))
    checks = {check.name: check for check in episode.attempts[0].verdict.checks}
    assert checks["circle"].passed
    assert not checks["star"].passed
    assert "no answer" in checks["star"].evidence


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"checklist": {"atoms": [{"id": "a", "kind": "object", "object": "a", "parents": ["a"]}]}}, "its own parent"),
        ({"checklist": {"atoms": []}}, "environment.checklist.atoms"),
        ({"checklist": []}, "valid dictionary"),
        ({"size": [64]}, "environment.size"),
        ({"colour": "red"}, "no such field"),
    ],
)
def test_a_broken_task_is_told_before_anything_is_drawn(environment: dict[str, Any], told: str, tmp_path: Path) -> None:
    painter = Painter()
    with pytest.raises(TaskError, match=told):
        run(tmp_path, task(environment=environment), painter)
    assert painter.calls == 0


def test_a_prompt_that_nobody_takes_apart_is_no_score(tmp_path: Path) -> None:
    episode = run(tmp_path, task(goal="Make it nice!"), Painter("exact"))
    assert not episode.scored
    assert episode.outcome is not None
    assert episode.outcome.failure is not None
    assert "no form that the rules know" in episode.outcome.failure.message
