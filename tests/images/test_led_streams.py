"""Streams with a critic that sees the picture: it is asked where the rules have nothing left, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loopwright.agents import load_card, load_prompt
from loopwright.images.checklist import Checklist, ObjectAtom, OtherAtom
from loopwright.images.refining import beyond_rules, meant
from loopwright.images.shapes import open_painter
from loopwright.models import Message, Reply, Request, Scripted
from loopwright.models.image import ImageReply
from loopwright.project import Project
from loopwright.runner import EpisodeResult
from loopwright.store import Failed, read_run
from loopwright.types import Attempt, Candidate, Check, Verdict
from tests.images.test_image_task import Painter, run, task

GOAL = "a red circle and a blue square"
SAID = {"feedback": "Kindly add a blue square. Keep the circle.", "decision": "continue", "backtrack_to": None}


class Deaf(Painter):
    """It leaves the square out, and follows no instruction that does not ask kindly."""

    def __init__(self) -> None:
        super().__init__("exact")
        self.told: list[str] = []

    async def generate(self, request: Any) -> Any:
        self.told.append(request.prompt)
        wanted = request.prompt if "large" in request.prompt else "a red circle"
        painter = open_painter(self.rates, self.options)
        return await painter.generate(request.model_copy(update={"prompt": wanted}))

    async def edit(self, request: Any) -> Any:
        self.told.append(request.prompt)
        if not request.prompt.startswith("Kindly "):
            return ImageReply(images=request.images, model=self.name, seed_honoured=True)
        words = request.prompt.removeprefix("Kindly ").partition(". ")[0].capitalize()
        painter = open_painter(self.rates, self.options)
        return await painter.edit(request.model_copy(update={"prompt": words}))


class Watched(Scripted):
    """A scripted model that remembers what it was shown."""

    def __init__(self, *replies: object) -> None:
        super().__init__([one if isinstance(one, str) else json.dumps(one) for one in replies], cycle=True)
        self.shown: list[Message] = []

    async def complete(self, request: Request) -> Reply:
        self.shown.append(request.messages[-1])
        return await super().complete(request)


def led(tmp_path: Path, critic: Watched, painter: Deaf | None = None, **loop: Any) -> EpisodeResult:
    return run(tmp_path, task(goal=GOAL, **loop), painter or Deaf(), critic="vision_critic", model=critic)


def test_the_critic_is_asked_after_two_edits_in_vain_and_its_words_reach_the_editor(tmp_path: Path) -> None:
    critic, painter = Watched(SAID), Deaf()
    episode = led(tmp_path, critic, painter)
    assert episode.passed
    assert painter.told[0] == GOAL
    assert [words.startswith("Add a blue square") for words in painter.told[1:]] == [True, False, True, False]
    assert painter.told[-1] == SAID["feedback"]
    assert len(critic.shown) == 1
    assert len(critic.shown[0].images) == 1
    assert "It lacks: square" in critic.shown[0].content
    made = episode.attempts[-1].candidate.made if episode.attempts[-1].candidate else {}
    assert (made["operation"], made["aims"]) == ("critic", ["square", "square colour"])


def test_without_a_critic_the_rules_go_on(tmp_path: Path) -> None:
    painter = Deaf()
    episode = run(tmp_path, task(goal=GOAL, max_iterations=4), painter)
    assert not episode.passed
    assert not any(words.startswith("Kindly") for words in painter.told)
    assert all(attempt.critic_wants is None for attempt in episode.attempts)


@pytest.mark.parametrize("said", ["It looks fine to me.", {"feedback": "", "decision": "continue"}])
def test_where_the_critic_says_nothing_of_use_the_rules_decide(said: object, tmp_path: Path) -> None:
    painter = Deaf()
    led(tmp_path / "led", Watched(said), painter, max_iterations=5)
    alone = Deaf()
    run(tmp_path / "alone", task(goal=GOAL, max_iterations=5), alone)
    assert painter.told == alone.told


def test_a_reply_that_cannot_be_read_is_in_the_record(tmp_path: Path) -> None:
    led(tmp_path, Watched("It looks fine to me."), max_iterations=5)
    failed = [event.data for event in read_run(tmp_path / "run").events if isinstance(event.data, Failed)]
    assert [one.cause for one in failed] == ["agent"]


def test_the_critic_writes_the_prompt_of_a_new_picture(tmp_path: Path) -> None:
    painter = Deaf()
    words = "a large red circle and a large blue square"
    episode = led(tmp_path, Watched({"feedback": words, "decision": "restart"}), painter)
    assert episode.passed
    assert painter.told[-1] == words
    assert episode.attempts[-1].parent is None


def test_the_critic_may_stop_the_loop(tmp_path: Path) -> None:
    episode = led(tmp_path, Watched({"feedback": "It cannot be done.", "decision": "stop"}))
    assert (episode.stop_reason, len(episode.attempts)) == ("critic", 4)


def test_the_critic_is_asked_a_few_times_at_most(tmp_path: Path) -> None:
    critic = Watched({"feedback": "Add more.", "decision": "continue"})
    led(tmp_path / "edits", critic)
    assert len(critic.shown) == 2, "twice for the same atom"
    critic = Watched({"feedback": GOAL, "decision": "restart"})
    led(tmp_path / "restarts", critic)
    assert len(critic.shown) == 4


def test_what_no_rule_covers_is_the_critics_at_once() -> None:
    checklist = Checklist(
        prompt="-", atoms=(ObjectAtom(id="boat", object="boat"), OtherAtom(id="dawn", question="Is it dawn?"))
    )
    checks = tuple(Check(name=name, score=0) for name in ("boat", "dawn"))
    shown = Candidate(text="-", artifacts={"picture": f"sha256:{0:064}"})
    first = Attempt(iteration=0, candidate=shown, verdict=Verdict(checks=checks))
    assert beyond_rules(checklist, [first], {"boat": 0.1, "dawn": 0.1}) == ("dawn",)
    assert beyond_rules(checklist, [first], {"boat": 0.1, "dawn": 0.9}) == ()


@pytest.mark.parametrize(
    ("words", "aims"), [("Paint a Boat.", ("boat",)), ("Let the sun rise.", ("dawn",)), ("Add a cat.", ("dawn",))]
)
def test_an_edit_in_the_critics_words_is_for_the_things_that_they_name(words: str, aims: tuple[str, ...]) -> None:
    checklist = Checklist(
        prompt="-",
        atoms=(
            ObjectAtom(id="boat", object="boat"),
            ObjectAtom(id="cat", object="cat"),
            OtherAtom(id="dawn", question="Is it dawn?"),
        ),
    )
    assert meant(words, checklist, [], {"boat": 0.1, "cat": 0.9, "dawn": 0.1}) == aims
    assert meant(words, checklist, [], {"boat": 0.1, "cat": 0.9, "dawn": 0.9}) == ()


def test_the_card_of_the_critic_is_whole() -> None:
    card = load_card("vision_critic", Project(Path()))
    assert (card.role, card.reply) == ("critic", "critique")
    assert load_prompt(card.prompt, Project(Path())).system
